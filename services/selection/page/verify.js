// Checks the evidence of a round's result in the browser, with no library.
//
// The same checks, in the same order and under the same names, as the Python verifier (/verify.py); both follow
// docs/evidence.md. A finding is {what, line?, …values}; words.js says it in Korean and in English.

import { firstDue, numberOf, rehearsed, secondOf, writtenAsDrawn } from "./chance.js";
import { FORMATS } from "./format.js";
import { bucketOf, bytesOf, canonical, compared, Digest, hex, jsonHash, payloadHash, sha256Hex, Tree, Unreadable } from "./hashes.js";
import { Judging } from "./judging.js";
import { FAR, LAWS, Life, misplaced, setFree, twoOfficers, unsound } from "./life.js";
import { Matching } from "./matching.js";
import { linesOf, Report } from "./reading.js";
import { batchConfirmed, Releases } from "./releases.js";
import { shaped } from "./shapes.js";
import { seedsOf, supplementaryOf, turnsOf } from "./turns.js";

const SECTIONS = ["event", "pledges", "request", "entry", "later"];
const COMMITTED = [
  "round",
  "epoch",
  "applications_root",
  "requests_root",
  "verdicts_root",
  "entries_root",
  "pledges_root",
  "policy_hash",
];
const ASKED = ["class_code", "quantity", "budget_won", "price_ceiling_won"];
const OFFERED = ["track", "firm", "class_code", "price_won", "capacity", "delivery_days", "regions", "certificates"];

/**
 * @param pieces async iterable of Uint8Array: the bundle as it comes
 * @param held   roots you hold, lists under `commitment` (of every epoch), `selection`, `announcement` and `shown`
 * @param step   called with (lines, bytes) after each line
 */
export async function examine(pieces, held = {}, step = () => {}) {
  const report = new Report();
  try {
    await read(linesOf(pieces, step), report, held);
  } catch (error) {
    if (error instanceof Unreadable) report.wrong(error.finding);
    else if (error instanceof TypeError || error instanceof RangeError) {
      report.wrong({ what: "malformed", told: error.message });
    } else throw error;
  }
  if (report.count) report.confirmed = false;
  return report;
}

async function read(lines, report, held) {
  const { number, record: head, text } = (await lines.next()).value ?? {};
  if (!FORMATS.includes(head?.bundle) || !["public", "auditor"].includes(head.depth)) {
    throw new Unreadable({ what: "no-head", formats: FORMATS });
  }
  shaped("head", head, number);
  if (!isCanonical(head, text)) report.wrong({ what: "not-canonical", line: number });
  Object.assign(report, { depth: head.depth, round: head.round, epoch: head.epoch });
  const examination = new Examination(report, head);
  for await (const { number, record, text } of lines) {
    if (record.type !== "end") {
      examination.take(number, record, text);
      continue;
    }
    report.whole = true;
    examination.finish(number, record, text, held);
    if (!(await lines.next()).done) throw new Unreadable({ what: "after-end", line: number });
    return;
  }
  throw new Unreadable({ what: "cut-off" });
}

function isCanonical(record, text) {
  return `${canonical(record)}\n` === text;
}

/** One reading of a bundle, line by line. */
class Examination {
  #report;
  #epoch;
  #round;
  #open;
  #version;
  #tree = new Tree();
  #laterTree = new Tree();
  #shown = new Tree();
  #events = [];
  #later = [];
  #turns = null;
  #seeds;
  #committed; // epochs with a commitment
  #admitted; // by application, the epoch that admitted it late
  #judged; // by application, the last epoch that had it judged again
  #amended = new Map(); // by application, the version that an appeal put in its place
  #allJudged; // the last epoch that had all judged again
  #pledges;
  #matching;
  #releases;
  #left = new Map(); // who left in a batch of an earlier epoch, and why
  #cancelled = new Set(); // requests cancelled in one
  #judging;
  #threshold;
  #byScore;
  #applications = new Digest();
  #verdicts = new Digest();
  #entries = new Digest();
  #requests = new Digest();
  #marks = new Digest();
  #marked = 0;
  #last = { kind: 0, bucket: -1, identifier: "" };
  #reached = 0; // the section
  #standing = [];
  #aside = [];
  #firms = new Map(); // the numbers a business number stands as
  #counts = { eligible: 0, ineligible: 0 };
  #apart = 0; // of the entries, those that draw under this epoch and not under the first

  constructor(report, head) {
    this.#report = report;
    this.#epoch = head.epoch;
    this.#round = head.round;
    this.#open = head.depth === "auditor";
    this.#version = FORMATS.indexOf(head.bundle) + 1;
  }

  take(number, whole, text) {
    const { open, ...record } = whole;
    const opened = open ?? null;
    const { type } = record;
    if (!SECTIONS.includes(type)) throw new Unreadable({ what: "no-type", line: number, type: String(type) });
    this.#section(number, type);
    if (type === "event" || type === "later") this.#event(number, record);
    else shaped(type, record, number);
    if (opened !== null) {
      if (type !== "request" && type !== "entry") throw new Unreadable({ what: "malformed", line: number, path: type, unknown: "open" });
      shaped(`opened-${type}`, opened, number);
    }
    const hashed = canonical(record);
    const right = opened === null ? `${hashed}\n` === text : isCanonical(whole, text);
    if (!right) this.#report.wrong({ what: "not-canonical", line: number });
    if (type === "later") {
      this.#later.push(record);
      this.#laterTree.add(hashed);
      return;
    }
    this.#tree.add(hashed);
    if (type === "event") this.#events.push(record);
    else if (type === "pledges") this.#begin(number, record);
    else if (this.#turns === null) throw new Unreadable({ what: "before-pledges", line: number, type });
    else {
      this.#unseal(number, record, opened);
      if (type === "request") this.#request(number, record, opened);
      else this.#entry(number, record, opened);
    }
  }

  #event(number, record) {
    const { event, body } = record;
    if (Object.keys(record).sort().join() !== "body,event,type" || !LAWS.has(event)) {
      throw new Unreadable({ what: "event-foreign", line: number, event: String(event) });
    }
    shaped(event, body, number);
  }

  /** Records stand type by type, the pledges once. */
  #section(number, type) {
    const section = SECTIONS.indexOf(type);
    if (section < this.#reached || (type === "pledges" && section === this.#reached)) {
      this.#report.wrong({ what: "no-place", line: number, type, after: SECTIONS[this.#reached] });
    }
    this.#reached = Math.max(section, this.#reached);
  }

  #begin(number, { pledges }) {
    this.#turns = turnsOf(this.#events, this.#epoch);
    const { life, policy, opened } = this.#turns;
    this.#report.title = opened.title;
    this.#seeds = seedsOf(this.#turns);
    this.#committed = [...this.#turns.committed.keys()].sort((one, other) => one - other);
    const epochs = [...life.all("EpochOpened")];
    const byEach = (idsOf) => new Map(epochs.flatMap(([epoch, body]) => idsOf(body).map((identifier) => [identifier, epoch])));
    this.#admitted = byEach(({ admitted }) => admitted ?? []);
    this.#judged = byEach(({ judge_again }) => judge_again);
    for (const [, { amended }] of epochs) for (const one of amended ?? []) this.#amended.set(one.application, one.version);
    this.#allJudged = Math.max(1, ...epochs.filter(([, body]) => body.judge_all).map(([epoch]) => epoch));
    this.#pledges = new Map(pledges);
    if (canonical(pledges.map(([one]) => one)) !== canonical([...this.#pledges.keys()].sort())) {
      this.#report.wrong({ what: "pledges-order", line: number });
    }
    this.#matching = new Matching(policy, this.#pledges);
    this.#releases = new Releases(policy, this.#pledges);
    for (const { event, body } of this.#events) {
      if (event !== "ReleaseOpened") continue;
      for (const { application, cause } of body.leaving) this.#left.set(application, cause);
      for (const { request } of body.cancelled) this.#cancelled.add(request);
    }
    this.#judging = new Judging(policy, opened.policy_hash);
    this.#threshold = policy.scoring ? (policy.scoring.threshold ?? 0) : null;
    this.#byScore = policy.method === "score";
  }

  #unseal(number, record, opened) {
    if (this.#open && opened === null) this.#report.wrong({ what: "nothing-opened", line: number });
    else if (opened !== null && !this.#open) this.#report.wrong({ what: "opened", line: number });
    else if (opened !== null && jsonHash(opened) !== record.sealed) this.#report.wrong({ what: "not-sealed", line: number });
  }

  /** Its bucket. */
  #ordered(number, kind, identifier) {
    const bucket = bucketOf(identifier);
    const last = this.#last;
    const after = kind - last.kind || bucket - last.bucket || compared(identifier, last.identifier);
    if (after <= 0) this.#report.wrong({ what: "order", line: number, identifier });
    this.#last = { kind, bucket, identifier };
    return bucket;
  }

  #request(number, record, opened) {
    const { request: identifier, institution, version, payload_hash: payload } = record;
    const bucket = this.#ordered(number, 1, identifier);
    this.#requests.add(bucket, [identifier, version, payload]);
    const names = [...ASKED, "certificate_kinds", "region", "delivery_days_at_most"];
    this.#shown.add(canonical([identifier, institution, ...names.map((name) => record[name])]));
    this.#report.institutions.set(identifier, institution);
    if (identifier.split("/")[0] !== institution) {
      this.#report.wrong({ what: "institution", line: number, identifier, institution });
    }
    if (!this.#cancelled.has(identifier)) {
      this.#matching.ask(record);
      this.#releases.ask(record);
    }
    if (opened === null) return;
    const { nonce, facts } = opened;
    if (payloadHash(nonce, facts) !== payload) this.#report.wrong({ what: "payload-hash", line: number, identifier });
    for (const name of [...ASKED, "region", "delivery_days_at_most"]) {
      const stated = facts[name] ?? null;
      if (record[name] !== stated) {
        this.#report.wrong({ what: "offer", line: number, identifier, name, stated: record[name], mine: stated });
      }
    }
    if (canonical(record.certificate_kinds) !== canonical(facts.certificate_kinds ?? [])) {
      this.#report.wrong({ what: "request-certificates", line: number, identifier });
    }
  }

  #entry(number, entry, opened) {
    const { application: identifier, version, payload_hash: payload, outcome } = entry;
    const bucket = this.#ordered(number, 2, identifier);
    this.#counts[outcome] += 1;
    this.#report.entries.set(identifier, entry);
    this.#applications.add(bucket, [identifier, version, payload]);
    this.#verdicts.add(bucket, [identifier, version, payload, entry.judged_in, outcome, entry.findings_hash]);
    this.#entries.add(bucket, [identifier, outcome, entry.tickets, entry.score]);
    this.#show(number, entry);
    if (version !== (this.#amended.get(identifier) ?? version)) {
      this.#report.wrong({ what: "amended", line: number, identifier, version });
    }
    const judged = Math.max(this.#allJudged, this.#judged.get(identifier) ?? 1);
    if (entry.judged_in !== judged) {
      this.#report.wrong({ what: "judged-in", line: number, identifier, mine: judged, stated: entry.judged_in });
    }
    if (opened !== null) this.#opened(number, bucket, entry, opened);
    const under = this.#drawnUnder(identifier);
    if (under === this.#epoch && under !== this.#committed[0]) this.#apart += 1;
    if (entry.drawn_under !== under) {
      this.#report.wrong({ what: "drawn-under", line: number, identifier, under, stated: entry.drawn_under });
    }
    const reason = this.#reasonAside(entry);
    if (reason === null) {
      this.#stand(number, entry, under);
      return;
    }
    const stated = [entry.result, entry.reason, entry.position, entry.key, entry.reserve_position, entry.awards];
    if (canonical(stated) !== canonical(["not-selected", reason, null, null, null, []])) {
      this.#report.wrong({ what: "aside", line: number, identifier, reason });
    }
    const leaf = canonical([identifier, entry.result, entry.position, entry.key, entry.awards]);
    this.#aside.push({ identifier, number: String(number), leaf });
  }

  /** What is shown of it, and whether names are shown of the selected alone. */
  #show(number, entry) {
    const { application, applicant = null, product = null, awards, identity = null } = entry;
    const named = ["applicant", "product"].map((name) => Object.hasOwn(entry, name));
    if (named.some((is) => is !== awards.length > 0)) this.#report.wrong({ what: "names-shown", line: number });
    this.#shown.add(canonical([application, ...OFFERED.map((name) => entry[name]), identity, applicant, product]));
    if (!awards.length) return;
    const institutionOf = (request) => this.#report.institutions.get(request) ?? "";
    this.#report.selected.push({
      position: entry.position,
      product: product ?? "",
      applicant: applicant ?? "",
      awards: awards.map(([request, quantity, won]) => ({ request, institution: institutionOf(request), quantity, won })),
    });
  }

  #opened(number, bucket, entry, opened) {
    const { application: identifier, firm } = entry;
    if (opened.marks?.length) {
      this.#marks.add(bucket, [identifier, opened.marks]);
      this.#marked += opened.marks.length;
    }
    for (const fault of this.#judging.faults(entry, opened, this.#epoch)) {
      this.#report.wrong({ ...fault, line: number, identifier });
    }
    const { business_number: business } = opened.facts.applicant;
    if (!this.#firms.has(business)) this.#firms.set(business, new Set());
    this.#firms.get(business).add(firm);
  }

  #reasonAside(entry) {
    if (entry.outcome !== "eligible" || entry.tickets === 0) return "ineligible";
    if (this.#threshold !== null && (entry.score ?? 0) < this.#threshold) return "below-threshold";
    return this.#left.get(entry.application) ?? null;
  }

  #stand(number, entry, under) {
    const { application: identifier, tickets } = entry;
    const seed = this.#seeds.get(under);
    if (seed === undefined) {
      this.#report.wrong({ what: "no-seed", line: number, identifier, epoch: under });
      return;
    }
    let key = sha256Hex(`${seed}:${identifier}:1`);
    for (let ticket = 2; ticket <= tickets; ticket += 1) {
      const other = sha256Hex(`${seed}:${identifier}:${ticket}`);
      if (other < key) key = other;
    }
    if (key !== entry.key) this.#report.wrong({ what: "key", line: number, identifier, key });
    const score = this.#byScore ? (entry.score ?? 0) : 0;
    this.#standing.push({ score, key, identifier, number: String(number), entry });
  }

  /** The epoch of the first commitment it could stand in: the round's first, but for whom an act admitted later. */
  #drawnUnder(identifier) {
    const since = this.#admitted.get(identifier) ?? 1;
    return this.#committed.find((epoch) => epoch >= since) ?? 0;
  }

  finish(number, end, text, held) {
    shaped("end", end, number);
    const report = this.#report;
    const turns = this.#turns;
    if (turns === null) throw new Unreadable({ what: "no-pledges" });
    if (!isCanonical(end, text)) report.wrong({ what: "not-canonical", line: number });
    const { size } = this.#tree;
    const root = hex(this.#tree.root());
    report.same(end.records === size && end.root === root, { what: "root", size, root, stated: end.root });
    const later = hex(this.#laterTree.root());
    report.same(end.later === this.#laterTree.size && end.later_root === later, { what: "later", size: end.later });
    const every = [...this.#events, ...this.#later];
    const rounds = [...new Set(every.map(({ body }) => body.round))].sort();
    report.same(rounds.length === 1 && rounds[0] === this.#round, { what: "round", round: this.#round, rounds });
    const life = new Life(every);
    this.#life(life);
    this.#inputs(turns, life);
    this.#chance(turns, life);
    this.#selection(turns);
    this.#givenOut();
    if (this.#open) this.#firmsToldApart();
    this.#shownRoot(turns);
    this.#officers(turns);
    this.#held(turns, held);
    this.#sayWhatIsLeft(turns);
  }

  #life(life) {
    const report = this.#report;
    const before = report.count;
    for (const faults of [misplaced(this.#events, this.#later, this.#epoch), life.faults(), unsound(life, this.#version)]) {
      for (const fault of faults) report.wrong(fault);
    }
    if (report.count === before) report.checked.push({ what: "life", count: life.events.length });
    report.voided = life.one("RoundVoided", FAR) !== null;
  }

  #inputs(turns, life) {
    const { policy, opened, frozen, completed, commitment } = turns;
    const report = this.#report;
    const hash = jsonHash(policy);
    report.same(hash === opened.policy_hash && hash === commitment.policy_hash, { what: "policy", hash });
    for (const [set, digest, manifest, name] of [
      ["applications", this.#applications, frozen.applications, "applications_root"],
      ["requests", this.#requests, frozen.requests, "requests_root"],
      ["verdicts", this.#verdicts, completed.verdicts, "verdicts_root"],
    ]) {
      const buckets = digest.differing(manifest);
      const root = digest.root();
      const right = buckets.length === 0 && root === manifest.root && root === commitment[name];
      report.same(right, { what: "manifest", set, count: digest.count, buckets, root });
    }
    const root = this.#entries.root();
    const right = root === commitment.entries_root && this.#entries.count === commitment.entries;
    report.same(right, { what: "entries", root, stated: commitment.entries_root });
    const { eligible, ineligible } = this.#counts;
    if (eligible !== completed.eligible || ineligible !== completed.ineligible) {
      report.wrong({ what: "counts", event: "EligibilityCompleted", epoch: this.#epoch });
    }
    if (this.#apart !== (commitment.supplementary || 0)) {
      report.wrong({ what: "supplementary-count", mine: this.#apart, stated: commitment.supplementary ?? null });
    }
    this.#pledged(turns);
    for (const [epoch, one] of life.all("InputsCommitted")) {
      const root = jsonHash(Object.fromEntries(COMMITTED.map((name) => [name, one[name]])));
      report.same(root === one.commitment_root, { what: "commitment", epoch, root, stated: one.commitment_root });
    }
  }

  #pledged({ life, commitment }) {
    const pledges = [...this.#pledges].sort(([one], [other]) => compared(one, other));
    const frozen = life.one("RoundFrozen", 1)?.pledges ?? null;
    const stated = frozen?.map(({ institution, pledge_won }) => [institution, pledge_won]) ?? pledges;
    const right = jsonHash(pledges) === commitment.pledges_root && canonical(stated) === canonical(pledges);
    this.#report.same(right, { what: "pledges", frozen: frozen !== null });
    if (frozen === null) this.#report.notChecked.push({ what: "pledges-frozen" });
  }

  #chance({ opened, committed, values }, life) {
    const report = this.#report;
    const [main] = this.#committed;
    if (main > 1) report.notChecked.push({ what: "first-commitment", epoch: main });
    const seed = this.#seeds.get(main) ?? null;
    for (const [epoch, body] of life.all("SelectionProposed")) {
      report.same(seed === body.seed, { what: "seed", epoch, main, seed, stated: body.seed });
    }
    const sources = new Map(opened.sources.map((source) => [source.source, source]));
    for (const [epoch, value] of values) {
      const source = sources.get(value.source);
      if (source === undefined || !committed.has(epoch)) report.wrong({ what: "no-source", epoch });
      else this.#value(epoch, value, source, committed.get(epoch));
    }
  }

  #value(epoch, value, source, committed) {
    const report = this.#report;
    const { opened } = this.#turns;
    const later = epoch !== this.#committed[0];
    if (later && (value.source !== supplementaryOf(this.#turns.life, this.#committed, epoch) || !committed.supplementary)) {
      report.wrong({ what: "supplementary", epoch });
    }
    const turn = opened.sources.findIndex((one) => canonical(one) === canonical(source));
    const before = later ? [] : opened.sources.slice(0, turn);
    const due = firstDue(committed.committed_at, opened.lead_seconds, [...before, source]);
    const stated = secondOf(value.due_at);
    const told = { epoch, source: value.source, due: new Date(due * 1000).toISOString() };
    report.same(stated.second === due && !stated.parted, { what: "due", ...told });
    for (const failed of before) report.notChecked.push({ what: "failed-before", source: failed.source });
    if (source.kind === "drand") this.#beacon(source, value, due);
    else if ((value.signature ?? value.beacon_round ?? null) !== null) report.wrong({ what: "value-form", ...value });
    else if (!writtenAsDrawn(value.value)) report.wrong({ what: "value-form", ...value });
    if (source.kind === "rehearsal") {
      this.#rehearsal(value, later ? `${this.#round}:supplementary-${epoch}` : this.#round);
    } else {
      const { source: name, value: given, due_at: at } = value;
      report.notChecked.push({ what: "source-value", name, stated: given, at, description: source.description });
    }
  }

  #rehearsal({ value }, what) {
    const stated = this.#turns.opened.rehearsal ?? null;
    this.#report.same(stated !== null && value === rehearsed(stated.seed, what), { what: "rehearsed" });
    this.#report.notChecked.push({ what: "rehearsal" });
  }

  #beacon(source, { signature, value, beacon_round: stated }, due) {
    if (!source.anchor) {
      this.#report.wrong({ what: "beacon", number: null });
      return;
    }
    const number = numberOf(source, due);
    const right = number > 0 && value === `${sha256Hex(bytesOf(signature ?? ""))}/` && stated === number;
    this.#report.same(right, { what: "beacon", number });
    this.#report.notChecked.push({ what: "beacon-signature", number, chain: source.chain_hash ?? "" });
  }

  #selection({ proposed }) {
    const report = this.#report;
    const tree = new Tree();
    const counts = { selected: 0, reserve: 0, "not-selected": 0 };
    this.#standing.sort(
      (one, other) =>
        other.score - one.score ||
        compared(one.key, other.key) ||
        compared(one.identifier, other.identifier) ||
        compared(one.number, other.number),
    );
    const batches = this.#later.filter(({ event, body }) => event === "ReleaseOpened" && body.epoch === this.#epoch);
    const unknown = new Set(batches.flatMap(({ body }) => setFree(body)));
    for (const request of this.#report.institutions.keys()) unknown.delete(request);
    for (const { identifier } of [...this.#standing, ...this.#aside]) unknown.delete(identifier);
    let position = 0;
    for (const { key, identifier, number, entry } of this.#standing) {
      position += 1;
      const mine = this.#matching.place(entry);
      const [result, , , awards] = mine;
      this.#releases.place(entry, result, awards);
      counts[result] += 1;
      if (entry.position !== position) {
        report.wrong({ what: "position", line: number, identifier, mine: position, stated: entry.position });
      }
      const stated = [entry.result, entry.reason, entry.reserve_position, entry.awards];
      if (canonical(stated) !== canonical(mine)) {
        report.wrong({ what: "placement", line: number, identifier, mine, stated });
      }
      tree.add(canonical([identifier, result, position, key, awards]));
    }
    this.#aside.sort((one, other) => compared(one.identifier, other.identifier) || compared(one.number, other.number));
    for (const { leaf } of this.#aside) {
      counts["not-selected"] += 1;
      tree.add(leaf);
    }
    if (unknown.size) report.wrong({ what: "batch-named", unknown: [...unknown].sort() });
    report.checked.push({ what: "stood", count: position });
    const root = hex(tree.root());
    const mine = [counts.selected, counts.reserve, counts["not-selected"]];
    const stated = [proposed.selected, proposed.reserve, proposed.not_selected];
    report.same(root === proposed.selection_root && canonical(mine) === canonical(stated), {
      what: "selection",
      mine,
      root,
      stated,
      statedRoot: proposed.selection_root,
    });
    report.selected.sort((one, other) => one.position - other.position);
  }

  /** The batches of this epoch, one after another from the proposal on. */
  #givenOut() {
    const report = this.#report;
    const batchesOf = (name) => {
      const found = this.#later.filter(({ event, body }) => event === name && body.epoch === this.#epoch);
      const each = found.reverse().map(({ body }) => [body.batch, body]); // the first of a number counts
      return new Map(each.sort(([one], [other]) => one - other));
    };
    const [openings, proposals] = ["ReleaseOpened", "ReleaseProposed"].map(batchesOf);
    for (const [batch, opened] of openings) {
      const { root, state, counts, changed } = this.#releases.giveOut(opened);
      const moved = { batch, changed, confirmed: false };
      report.batches.push(moved);
      const said = proposals.get(batch);
      if (said === undefined) {
        report.notChecked.push({ what: "batch-not-proposed", batch });
        continue;
      }
      const stated = [said.batch_root, said.state_hash, said.promoted, said.changed, said.withdrawn];
      report.same(canonical([root, state, ...counts]) === canonical(stated), { what: "batch", batch, counts, root, stated });
      moved.confirmed = batchConfirmed(this.#later, this.#epoch, batch);
      if (!moved.confirmed) report.notChecked.push({ what: "batch-not-confirmed", batch });
    }
  }

  #firmsToldApart() {
    const told = new Set();
    for (const firms of this.#firms.values()) {
      for (const firm of firms) told.add(firm);
      if (firms.size > 1) this.#report.wrong({ what: "one-number", firms: [...firms].sort((one, other) => one - other) });
    }
    this.#report.same(told.size === this.#firms.size, { what: "firms", numbers: this.#firms.size, told: told.size });
  }

  #shownRoot({ proposed }) {
    const stated = proposed.shown_root ?? null;
    const root = hex(this.#shown.root());
    if (stated === null) this.#report.notChecked.push({ what: "not-shown" });
    else this.#report.same(root === stated, { what: "shown", root, stated });
  }

  #officers({ commitment, proposed }) {
    const report = this.#report;
    const ofThis = (name) => ({ event, body }) => event === name && body.epoch === this.#epoch;
    const confirmed = this.#later.find(ofThis("SelectionConfirmed"))?.body;
    if (confirmed === undefined) {
      report.notChecked.push({ what: "no-confirmation" });
      return;
    }
    const roots = [confirmed.commitment_root, confirmed.selection_root, confirmed.shown_root ?? null];
    const ofIt = [commitment.commitment_root, proposed.selection_root, proposed.shown_root ?? null];
    const right = canonical(roots) === canonical(ofIt) && twoOfficers(confirmed.actors);
    report.confirmed = right && !report.voided;
    report.same(right, { what: "officers", officers: confirmed.actors.map(({ name }) => name).sort() });
  }

  /** Every root that you hold must stand in the bundle, and of commitments, once you hold one, every epoch's. */
  #held({ life, committed, proposed }, held) {
    const commitments = this.#committed.map((epoch) => committed.get(epoch).commitment_root);
    const saidBy = (events, names, member) =>
      events.filter(({ event }) => names.includes(event)).map(({ body }) => body[member]);
    const later = saidBy(this.#later, ["InputsCommitted"], "commitment_root");
    const terms = saidBy(this.#events, ["RoundAnnounced", "RoundAmended"], "announcement_root");
    for (const [name, stated, also] of [
      ["commitment", commitments, later],
      ["selection", [proposed.selection_root], []],
      ["announcement", [life.terms.announcement_root].filter((root) => root), terms],
      ["shown", [proposed.shown_root].filter((root) => root), []],
    ]) {
      const yours = held[name] ?? [];
      for (const root of stated) {
        if (yours.length) this.#report.same(yours.includes(root), { what: "held", name, stated: root });
        else this.#report.notChecked.push({ what: "published", name, stated: root });
      }
      if (!stated.every((root) => yours.includes(root))) continue;
      const more = yours.filter((root) => ![...stated, ...also].includes(root));
      for (const root of more) this.#report.wrong({ what: "held-more", name, root });
    }
  }

  #panel({ scoresClosed: closed, hasAll }) {
    const report = this.#report;
    const count = this.#marked;
    if (closed === null) return;
    if (!this.#open) report.notChecked.push({ what: "marks-sealed" });
    else if (count > closed.marks || (count < closed.marks && hasAll)) {
      report.wrong({ what: "marks-more", closed: closed.marks, count });
    } else if (count < closed.marks) report.notChecked.push({ what: "marks-partly", closed: closed.marks, count });
    else {
      const root = this.#marks.root();
      report.same(root === closed.marks_root, { what: "marks", count, root, stated: closed.marks_root });
    }
  }

  #sayWhatIsLeft(turns) {
    const left = this.#report.notChecked;
    left.push({ what: this.#open ? "findings-follow" : "public-depth" });
    if (turns.policy.scoring?.panel_points) this.#panel(turns);
    if (this.#epoch > 1) left.push({ what: "later-tickets" });
    left.push({ what: "stated-true" });
  }
}
