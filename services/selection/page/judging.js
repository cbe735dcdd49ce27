// What the auditor's depth opens, as in verify.py: what of tickets, offers and outcomes follows from facts and findings.

import { canonical, jsonHash, payloadHash } from "./hashes.js";

const LAST_DATE = "9999-12-31";

export class Judging {
  #policy;
  #policyHash;
  #kinds;
  #patterns = new Map();
  #tracks;
  /** Kinds of certificates whose pattern JavaScript does not read as Python does. */
  unread = [];

  constructor(policy, policyHash) {
    this.#policy = policy;
    this.#policyHash = policyHash;
    this.#kinds = new Map(policy.certificates.map((kind) => [kind.kind, kind]));
    this.#tracks = new Map(policy.tracks.map((track) => [track.track, track]));
    for (const kind of policy.certificates) {
      const pattern = patternOf(kind.number_pattern);
      if (pattern === null) this.unread.push(kind.kind);
      else this.#patterns.set(kind.kind, pattern);
    }
    date(policy.as_of);
  }

  /** Findings without their line. */
  async faults(entry, opened, epoch) {
    const { facts, findings } = opened;
    const found = [];
    if (!opened.nonce) found.push({ what: "no-nonce" });
    else if ((await payloadHash(opened.nonce, facts)) !== entry.payload_hash) found.push({ what: "payload-hash" });
    const hashed = { as_of: this.#policy.as_of, findings, policy_hash: this.#policyHash };
    // Of verdicts from before there was a nonce it is in no hash.
    const hashes = [await jsonHash({ ...hashed, nonce: opened.nonce }), await jsonHash(hashed)];
    if (!hashes.includes(entry.findings_hash)) found.push({ what: "findings-hash" });
    const outcome = this.#outcome(facts.track, findings);
    if (outcome !== entry.outcome) found.push({ what: "outcome", stated: entry.outcome, mine: outcome });
    const tickets = this.#tickets(facts, findings);
    const fewer = epoch > 1 && tickets !== null && entry.tickets < tickets;
    if (tickets !== entry.tickets && !fewer) found.push({ what: "tickets", stated: entry.tickets, mine: tickets });
    const score = entry.outcome === "eligible" ? this.#score(facts, opened.marks ?? []) : null;
    if (score !== entry.score) found.push({ what: "score", stated: entry.score, mine: score });
    for (const [name, value] of Object.entries(this.#offer(facts))) {
      if (value === undefined || canonical(entry[name]) !== canonical(value)) {
        found.push({ what: "offer", name, stated: entry[name], mine: value });
      }
    }
    const [applicant, product] = entry.awards.length ? [facts.applicant.name, facts.product.name] : [];
    if (entry.applicant !== applicant || entry.product !== product) found.push({ what: "names" });
    return found;
  }

  /** "eligible", "ineligible" or "parked"; else why the findings are none of this policy. */
  #outcome(track, findings) {
    if (findings.some((finding) => finding.rule === "judging")) return "parked";
    const stated = this.#tracks.get(track);
    if (stated === undefined) return "ineligible";
    const asked = stated.conditions.map((one) => [one.rule, one.legal_source, one.decides ?? true]);
    const answered = findings.map((one) => [one.rule, one.legal_source, one.decides]);
    if (canonical(asked) !== canonical(answered)) return "rules-not-of-the-track";
    const passed = passedOf(findings);
    const waivable = new Set(
      (stated.waivers ?? [])
        .filter((waiver) => waiver.when.every((rule) => passed.has(rule)))
        .flatMap((waiver) => waiver.waives),
    );
    if (findings.some((one) => one.outcome === "waived" && !waivable.has(one.rule))) return "waived-beyond-the-policy";
    const deciding = findings.filter((one) => one.decides);
    return deciding.every((one) => one.outcome === "pass" || one.outcome === "waived") ? "eligible" : "ineligible";
  }

  /** Of the first step that fits; null where none does. */
  #tickets(facts, findings) {
    const passed = passedOf(findings);
    const record = facts.applicant.supply_record ?? null;
    const within = (bound, stated) => bound == null || (record !== null && stated() <= bound);
    const is = (asked, rule) => asked == null || asked === passed.has(rule);
    const step = this.#policy.tickets.find(
      (one) =>
        is(one.startup, "startup") &&
        is(one.first_timer, "first-timer") &&
        within(one.record_won_at_most, () => record.won) &&
        within(one.record_count_at_most, () => record.count),
    );
    return step?.tickets ?? null;
  }

  /** The mean of the marks without a conflict of interest, rounded down, and the points of the record's step. */
  #score(facts, marks) {
    const { scoring } = this.#policy;
    if (!scoring) return null;
    const counted = marks
      .filter(([, , , conflict]) => !conflict)
      .map(([, , points]) => Math.min(points, scoring.panel_points ?? 0));
    const mean = counted.length ? Math.floor(counted.reduce((sum, points) => sum + points, 0) / counted.length) : 0;
    const record = facts.applicant.supply_record ?? null;
    const step = scoring.supply_record.find(
      ({ record_won_at_most: bound }) => bound == null || (record !== null && record.won <= bound),
    );
    return step === undefined ? null : step.points + mean;
  }

  #offer(facts) {
    const { product } = facts;
    const offer = {
      track: facts.track,
      class_code: product.class_code,
      price_won: product.price_won,
      capacity: product.capacity,
      delivery_days: product.delivery_days,
      regions: "regions" in product ? product.regions : [],
    };
    if (this.unread.length) return offer;
    const held = (facts.certificates ?? []).filter((one) => this.#holds(one)).map((one) => one.kind);
    return { ...offer, certificates: [...new Set(held)].sort() };
  }

  #holds(stated) {
    const kind = this.#kinds.get(stated.kind);
    if (kind === undefined || !this.#patterns.get(stated.kind).test(stated.number)) return false;
    if (kind.grades?.length && !kind.grades.includes(stated.grade)) return false;
    const issued = date(stated.issued_on);
    const last = stated.expires_on
      ? date(stated.expires_on)
      : kind.validity_years
        ? lastDay(issued, kind.validity_years)
        : LAST_DATE;
    return issued <= this.#policy.as_of && this.#policy.as_of <= last;
  }
}

/** What a policy may write (shared/policies/patterns.py) both languages read alike; strict first, for characters beyond
 * U+FFFF, then as it is, for escapes of what needs none. */
function patternOf(written) {
  for (const flags of ["u", ""]) {
    try {
      return new RegExp(`^(?:${written})$`, flags);
    } catch {
      continue;
    }
  }
  return null;
}

function passedOf(findings) {
  return new Set(findings.filter((one) => one.outcome === "pass").map((one) => one.rule));
}

/** A day as YYYY-MM-DD, which sorts as the days do. */
function date(stated) {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(stated);
  if (!parts || parts[1] === "0000" || !isDay(...parts.slice(1).map(Number))) throw new TypeError(`${stated} is no day`);
  return stated;
}

function isDay(year, month, day) {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return month >= 1 && month <= 12 && day >= 1 && day <= [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
}

function lastDay(start, years) {
  const [year, month, day] = start.split("-").map(Number);
  if (year + years > 9999) return LAST_DATE;
  const then = String(year + years).padStart(4, "0");
  return isDay(year + years, month, day) ? `${then}${start.slice(4)}` : `${then}-02-28`;
}
