// What the auditor's depth opens, as in verify.py: what of tickets, offers and outcomes follows from facts and findings.

import { canonical, jsonHash, payloadHash } from "./hashes.js";
import { patternOf } from "./patterns.js";
import { isDay } from "./shapes.js";

const LAST_DATE = "9999-12-31";

export class Judging {
  #policy;
  #policyHash;
  #kinds;
  #patterns;
  #tracks;

  constructor(policy, policyHash) {
    this.#policy = policy;
    this.#policyHash = policyHash;
    this.#kinds = new Map(policy.certificates.map((kind) => [kind.kind, kind]));
    this.#patterns = new Map(policy.certificates.map((kind) => [kind.kind, patternOf(kind)]));
    this.#tracks = new Map(policy.tracks.map((track) => [track.track, track]));
  }

  /** Findings without their line. */
  faults(entry, opened, epoch) {
    const { facts, findings, nonce } = opened;
    const found = [];
    if (payloadHash(nonce, facts) !== entry.payload_hash) found.push({ what: "payload-hash" });
    const hashed = { as_of: this.#policy.as_of, findings, policy_hash: this.#policyHash };
    // Of verdicts from before there was a nonce it is in no hash.
    const hashes = [jsonHash({ ...hashed, nonce }), jsonHash(hashed)];
    if (!hashes.includes(entry.findings_hash)) found.push({ what: "findings-hash" });
    const outcome = this.#outcome(facts.track, findings);
    if (outcome !== entry.outcome) found.push({ what: "outcome", stated: entry.outcome, mine: outcome });
    const tickets = this.#tickets(facts, findings);
    const fewer = epoch > 1 && tickets !== null && entry.tickets < tickets;
    if (tickets !== entry.tickets && !fewer) found.push({ what: "tickets", stated: entry.tickets, mine: tickets });
    const score = entry.outcome === "eligible" ? this.#score(facts, opened.marks ?? []) : null;
    if (score !== entry.score) found.push({ what: "score", stated: entry.score, mine: score });
    for (const [name, value] of Object.entries(this.#offer(facts))) {
      if (canonical(entry[name]) !== canonical(value)) {
        found.push({ what: "offer", name, stated: entry[name], mine: value });
      }
    }
    const named = [entry.applicant, entry.product];
    const { applicant, product } = facts;
    if (entry.awards.length && canonical(named.map((name) => name ?? null)) !== canonical([applicant.name, product.name])) {
      found.push({ what: "names" });
    }
    return found;
  }

  /** "eligible" or "ineligible"; else why the findings can't be of this policy. */
  #outcome(track, findings) {
    if (findings.some((finding) => finding.rule === "judging")) return "parked";
    const stated = this.#tracks.get(track);
    if (stated === undefined) {
      const failed = findings.map((one) => [one.rule, one.outcome, one.decides]);
      return canonical(failed) === canonical([["track", "fail", true]]) ? "ineligible" : "no-track-of-the-policy";
    }
    const asked = stated.conditions.map((one) => [one.rule, one.legal_source, one.decides ?? true]);
    const answered = findings.map((one) => [one.rule, one.legal_source, one.decides]);
    if (canonical(asked) !== canonical(answered)) return "rules-not-of-the-track";
    const passed = passedOf(findings);
    const waivable = (stated.waivers ?? [])
      .filter(({ when }) => when.every((rule) => passed.has(rule)))
      .flatMap(({ waives }) => waives);
    const waived = new Set(findings.filter(({ outcome }) => outcome === "waived").map(({ rule }) => rule));
    const right = ({ rule }) => waived.has(rule) === (waivable.includes(rule) && !passed.has(rule));
    if (!findings.every(right)) return "waived-not-as-the-policy-has-it";
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
    const held = (facts.certificates ?? []).filter((one) => this.#holds(one)).map((one) => one.kind);
    return {
      track: facts.track,
      class_code: product.class_code,
      price_won: product.price_won,
      capacity: product.capacity,
      delivery_days: product.delivery_days,
      regions: product.regions ?? [],
      certificates: [...new Set(held)].sort(),
    };
  }

  #holds(stated) {
    const kind = this.#kinds.get(stated.kind);
    if (kind === undefined || !this.#patterns.get(stated.kind).test(stated.number)) return false;
    if (kind.grades?.length && !kind.grades.includes(stated.grade)) return false;
    const issued = stated.issued_on;
    const last = stated.expires_on
      ? stated.expires_on
      : kind.validity_years
        ? lastDay(issued, kind.validity_years)
        : LAST_DATE;
    return issued <= this.#policy.as_of && this.#policy.as_of <= last;
  }
}

function passedOf(findings) {
  return new Set(findings.filter((one) => one.outcome === "pass").map((one) => one.rule));
}

/** The anniversary, included; of 29 February, 28 February where the year has no such day. Days as text sort as they do. */
export function lastDay(start, years) {
  const year = Number(start.slice(0, 4)) + years;
  if (year > 9999) return LAST_DATE;
  const then = `${String(year).padStart(4, "0")}${start.slice(4)}`;
  return isDay(then) ? then : `${then.slice(0, 4)}-02-28`;
}
