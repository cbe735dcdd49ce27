// Checks the evidence of a round's result in the browser, with WebCrypto and no library.
//
// The same checks, in the same order and under the same names, as the Python verifier (/verify.py); both follow
// docs/evidence.md. A finding is {what, line?, …values}; words.js says it in Korean and in English.

import { Matching } from "./matching.js";
import { Judging } from "./judging.js";
import { bucketOf, bytesOf, canonical, compared, Digest, hex, jsonHash, payloadHash, sha256Hex, Tree, Unreadable } from "./hashes.js";
import { linesOf, Report } from "./reading.js";
import { batchesOf, Releases, repeated } from "./releases.js";
import { shaped } from "./shapes.js";
import { firstDue, misplaced, moment, seedsOf, turnsOf, twoOfficers } from "./turns.js";

const FORMAT = "firstbuy-evidence-v1";
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

/**
 * @param pieces async iterable of Uint8Array: the bundle as it comes
 * @param held   roots you hold, under `commitment` and `selection`
 * @param step   called with (lines, bytes) after each line, and awaited
 */
export async function examine(pieces, held = {}, step = () => {}) {
  const report = new Report();
  try {
    await read(linesOf(pieces, report, step), report, held);
  } catch (error) {
    if (error instanceof Unreadable) report.wrong(error.finding);
    else if (error instanceof TypeError || error instanceof RangeError) {
      report.wrong({ what: "malformed", told: error.message });
    } else throw error;
  }
  return report;
}

async function read(lines, report, held) {
  const first = (await lines.next()).value;
  const head = first?.record;
  if (head?.bundle !== FORMAT || !["public", "auditor"].includes(head.depth)) {
    throw new Unreadable({ what: "no-head", format: FORMAT });
  }
  shaped("head", head);
  Object.assign(report, { depth: head.depth, round: head.round, epoch: head.epoch });
  const examination = new Examination(report, head);
  for await (const { number, record } of lines) {
    if (record.type !== "end") {
      await examination.take(number, record);
      continue;
    }
    report.whole = true;
    await examination.finish(shaped("end", record), held);
    if (!(await lines.next()).done) throw new Unreadable({ what: "after-end", line: number });
    return;
  }
  throw new Unreadable({ what: "cut-off" });
}

/** One reading of a bundle, line by line. */
class Examination {
  #report;
  #epoch;
  #round;
  #open;
  #tree = new Tree();
  #laterTree = new Tree();
  #events = [];
  #later = [];
  #turns;
  #seeds;
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
  #count = 0;

  constructor(report, head) {
    this.#report = report;
    this.#epoch = head.epoch;
    this.#round = head.round;
    this.#open = head.depth === "auditor";
  }

  async take(number, { open: opened, ...record }) {
    this.#section(number, record.type);
    if (record.type === "later") {
      this.#later.push(shaped("event", record));
      await this.#laterTree.add(canonical(record));
      return;
    }
    await this.#tree.add(canonical(record));
    if (record.type === "event") {
      this.#events.push(shaped("event", record));
    } else if (record.type === "pledges") {
      await this.#begin(shaped("pledges", record));
    } else if (record.type === "request" && this.#turns) {
      await this.#unseal(number, shaped("request", record), opened);
      await this.#ordered(number, 1, record.request);
      await this.#request(number, record, opened);
    } else if (record.type === "entry" && this.#turns) {
      await this.#unseal(number, shaped("entry", record), opened);
      await this.#ordered(number, 2, record.application);
      await this.#entry(number, record, opened);
    } else {
      throw new Unreadable({ what: "before-pledges", line: number, type: record.type });
    }
  }

  /** Records stand type by type, the pledges once. */
  #section(number, type) {
    const section = SECTIONS.indexOf(type);
    if (section < 0) throw new Unreadable({ what: "no-type", line: number, type: String(type) });
    if (section < this.#reached || (type === "pledges" && section === this.#reached)) {
      this.#report.wrong({ what: "no-place", line: number, type, after: SECTIONS[this.#reached] });
    }
    this.#reached = Math.max(section, this.#reached);
  }

  async #begin({ pledges }) {
    for (const fault of misplaced(this.#events, this.#epoch)) this.#report.wrong(fault);
    this.#turns = turnsOf(this.#events, this.#epoch);
    const { policy, opened } = this.#turns;
    this.#report.title = String(opened.title ?? "");
    this.#seeds = await seedsOf(this.#turns);
    this.#pledges = new Map(pledges);
    this.#releases = new Releases(policy, this.#pledges);
    this.#matching = new Matching(policy, this.#pledges);
    for (const { event, body } of this.#events) {
      if (event !== "ReleaseOpened") continue;
      const { leaving, cancelled } = shaped(event, body);
      for (const { application, cause } of leaving) this.#left.set(application, cause);
      for (const { request } of cancelled) this.#cancelled.add(request);
    }
    this.#judging = new Judging(policy, opened.policy_hash);
    this.#threshold = policy.scoring ? (policy.scoring.threshold ?? 0) : null;
    this.#byScore = policy.method === "score";
  }

  async #unseal(number, record, opened) {
    if (opened === undefined || opened === null) {
      if (this.#open) this.#report.wrong({ what: "nothing-opened", line: number });
    } else if ((await jsonHash(opened)) !== record.sealed) {
      this.#report.wrong({ what: "not-sealed", line: number });
    }
  }

  async #ordered(number, kind, identifier) {
    const bucket = await bucketOf(identifier);
    const last = this.#last;
    const after = kind - last.kind || bucket - last.bucket || compared(identifier, last.identifier);
    if (after <= 0) this.#report.wrong({ what: "order", line: number, identifier });
    this.#last = { kind, bucket, identifier };
  }

  async #request(number, record, opened) {
    const { request: identifier, version, payload_hash: payload } = record;
    await this.#requests.add(this.#last.bucket, [identifier, version, payload]);
    if (!this.#cancelled.has(identifier)) {
      await this.#matching.ask(record);
      this.#releases.ask(record);
    }
    this.#report.institutions.set(identifier, record.institution);
    if (opened === undefined || opened === null) return;
    const { nonce, facts } = shaped("request's facts", opened);
    if (!nonce) this.#report.wrong({ what: "no-nonce", line: number, identifier });
    else if ((await payloadHash(nonce, facts)) !== payload) {
      this.#report.wrong({ what: "payload-hash", line: number, identifier });
    }
    const names = ["class_code", "quantity", "budget_won", "price_ceiling_won", "region", "delivery_days_at_most"];
    for (const name of names) {
      const stated = facts[name] ?? null;
      if (record[name] !== stated) {
        this.#report.wrong({ what: "offer", line: number, identifier, name, stated: record[name], mine: stated });
      }
    }
    if (canonical(record.certificate_kinds) !== canonical(facts.certificate_kinds ?? [])) {
      this.#report.wrong({ what: "request-certificates", line: number, identifier });
    }
  }

  async #entry(number, entry, opened) {
    const { application: identifier, version, payload_hash: payload, outcome } = entry;
    const bucket = this.#last.bucket;
    this.#count += 1;
    this.#report.entries.set(identifier, entry);
    await Promise.all([
      this.#applications.add(bucket, [identifier, version, payload]),
      this.#verdicts.add(bucket, [identifier, version, payload, entry.judged_in, outcome, entry.findings_hash]),
      this.#entries.add(bucket, [identifier, outcome, entry.tickets, entry.score]),
    ]);
    if (opened !== undefined && opened !== null) {
      shaped("entry's facts", opened);
      if (opened.marks?.length) {
        await this.#marks.add(bucket, [identifier, opened.marks]);
        this.#marked += opened.marks.length;
      }
      for (const fault of await this.#judging.faults(entry, opened, this.#epoch)) {
        this.#report.wrong({ ...fault, line: number, identifier });
      }
      const business = opened.facts.applicant.business_number;
      if (!this.#firms.has(business)) this.#firms.set(business, new Set());
      this.#firms.get(business).add(entry.firm);
    }
    if (entry.awards.length) {
      this.#report.selected.push({
        position: entry.position,
        product: String(entry.product ?? ""),
        applicant: String(entry.applicant ?? ""),
        awards: entry.awards.map(([request, quantity, won]) => ({
          request,
          institution: this.#report.institutions.get(request) ?? "",
          quantity,
          won,
        })),
      });
    }
    const reason = this.#reasonAside(entry);
    if (reason === null) return this.#stand(number, entry);
    const stated = [entry.result, entry.reason, entry.position, entry.key, entry.awards];
    if (canonical(stated) !== canonical(["not-selected", reason, null, null, []])) {
      this.#report.wrong({ what: "aside", line: number, identifier, reason });
    }
    this.#aside.push({ identifier, number, leaf: canonical([identifier, ...[0, 2, 3, 4].map((place) => stated[place])]) });
  }

  #reasonAside(entry) {
    if (entry.outcome !== "eligible" || entry.tickets === 0) return "ineligible";
    if (this.#threshold !== null && (entry.score ?? 0) < this.#threshold) return "below-threshold";
    return this.#left.get(entry.application) ?? null;
  }

  async #stand(number, entry) {
    const { application: identifier, tickets, drawn_under: epoch } = entry;
    const under = this.#drawnUnder(identifier);
    if (epoch !== under) this.#report.wrong({ what: "drawn-under", line: number, identifier, under, stated: epoch });
    const seed = this.#seeds.get(epoch);
    if (seed === undefined) {
      this.#report.wrong({ what: "no-seed", line: number, identifier, epoch });
      return;
    }
    let key = await sha256Hex(`${seed}:${identifier}:1`);
    for (let ticket = 2; ticket <= tickets; ticket += 1) {
      const other = await sha256Hex(`${seed}:${identifier}:${ticket}`);
      if (other < key) key = other;
    }
    if (key !== entry.key) this.#report.wrong({ what: "key", line: number, identifier, key });
    this.#standing.push({ score: this.#byScore ? (entry.score ?? 0) : 0, key, identifier, number, entry });
  }

  /** The epoch of the first commitment it could stand in: the round's first, but for whom an act admitted later. */
  #drawnUnder(identifier) {
    const { admitted, committed } = this.#turns;
    const since = admitted.get(identifier) ?? 1;
    return Math.min(...[...committed.keys()].filter((epoch) => epoch >= since));
  }

  async finish(end, held) {
    if (!this.#turns) throw new Unreadable({ what: "no-pledges" });
    const report = this.#report;
    const turns = this.#turns;
    const { size } = this.#tree;
    const root = hex(await this.#tree.root());
    report.same(end.records === size && end.root === root, { what: "root", size, root, stated: end.root });
    const later = hex(await this.#laterTree.root());
    report.same(end.later === this.#laterTree.size && end.later_root === later, { what: "later", size: end.later });
    const rounds = [...new Set([...this.#events, ...this.#later].map((event) => event.body.round))];
    report.same(rounds.length === 1 && rounds[0] === this.#round, { what: "round", round: this.#round, rounds });
    await this.#inputs(turns);
    await this.#chance(turns);
    await this.#selection(turns);
    await this.#givenOut(turns);
    if (this.#open) this.#firmsToldApart();
    this.#officers(turns);
    for (const [name, stated] of [
      ["commitment", turns.commitment.commitment_root],
      ["selection", turns.proposed.selection_root],
    ]) {
      if (held[name]) report.same(stated === held[name], { what: "held", name, stated, held: held[name] });
      else report.notChecked.push({ what: "published", name, stated });
    }
    await this.#sayWhatIsLeft(turns);
  }

  async #inputs({ policy, opened, frozen, completed, commitment, committed }) {
    const report = this.#report;
    const hash = await jsonHash(policy);
    report.same(hash === opened.policy_hash && hash === commitment.policy_hash, { what: "policy", hash });
    for (const [set, digest, manifest, name] of [
      ["applications", this.#applications, frozen.applications, "applications_root"],
      ["requests", this.#requests, frozen.requests, "requests_root"],
      ["verdicts", this.#verdicts, completed.verdicts, "verdicts_root"],
    ]) {
      const buckets = await digest.differing(manifest);
      const root = await digest.root();
      const right = buckets.length === 0 && root === manifest.root && root === commitment[name];
      report.same(right, { what: "manifest", set, count: digest.count, buckets, root });
    }
    const entries = await this.#entries.root();
    const right = entries === commitment.entries_root && this.#count === commitment.entries;
    report.same(right, { what: "entries", root: entries, stated: commitment.entries_root });
    const pledges = [...this.#pledges].sort(([one], [other]) => compared(one, other));
    report.same((await jsonHash(pledges)) === commitment.pledges_root, { what: "pledges" });
    for (const [epoch, one] of committed) {
      const root = await jsonHash(Object.fromEntries(COMMITTED.map((name) => [name, one[name]])));
      report.same(root === one.commitment_root, { what: "commitment", epoch, root, stated: one.commitment_root });
    }
  }

  async #chance({ opened, commitment, committed, values, proposed }) {
    const report = this.#report;
    const main = Math.min(...committed.keys());
    const said = commitment.seed_epoch || this.#epoch;
    if (said !== main) report.wrong({ what: "seed-epoch", epoch: main, stated: said });
    if (main > 1) report.notChecked.push({ what: "first-commitment", epoch: main });
    const seed = this.#seeds.get(main);
    report.same(seed === proposed.seed, { what: "seed", epoch: main, seed: seed ?? null, stated: proposed.seed });
    const sources = new Map(opened.sources.map((source) => [source.source, source]));
    for (const [epoch, value] of values) {
      const source = sources.get(value.source);
      if (source === undefined || !committed.has(epoch)) {
        report.wrong({ what: "no-source", epoch });
        continue;
      }
      if (epoch !== main && value.source !== this.#turns.supplementary(epoch))
        report.wrong({ what: "supplementary", epoch });
      const before = epoch === main ? opened.sources.slice(0, opened.sources.indexOf(source)) : [];
      const due = firstDue(committed.get(epoch).committed_at, opened.lead_seconds, [...before, source]);
      const [stated, recorded] = [moment(value.due_at), moment(value.recorded_at)];
      report.same(stated.seconds === due && !stated.fraction && recorded.seconds >= due, {
        what: "due",
        epoch,
        source: value.source,
        due: new Date(due * 1000).toISOString(),
      });
      for (const failed of before) report.notChecked.push({ what: "failed-before", source: failed.source });
      if (source.kind === "drand") await this.#beacon(source, value, due);
      if (source.kind === "rehearsal") report.notChecked.push({ what: "rehearsal" });
      else {
        const { source: name, value: stated, due_at: at } = value;
        report.notChecked.push({ what: "source-value", name, stated, at, description: source.description ?? "" });
      }
    }
  }

  async #beacon(source, { signature, value, beacon_round: stated }, due) {
    const number = Math.floor((due - moment(source.anchor).seconds) / source.period_seconds) + 1;
    const right = value === `${await sha256Hex(bytesOf(signature ?? ""))}/` && stated === number;
    this.#report.same(right, { what: "beacon", number });
    this.#report.notChecked.push({ what: "beacon-signature", number, chain: source.chain_hash ?? "" });
  }

  async #selection({ proposed }) {
    const report = this.#report;
    const tree = new Tree();
    const counts = { selected: 0, reserve: 0, "not-selected": 0 };
    this.#standing.sort(
      (one, other) =>
        other.score - one.score ||
        compared(one.key, other.key) ||
        compared(one.identifier, other.identifier) ||
        one.number - other.number,
    );
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
      await tree.add(canonical([identifier, result, position, key, awards]));
    }
    this.#aside.sort((one, other) => compared(one.identifier, other.identifier) || one.number - other.number);
    for (const { leaf } of this.#aside) {
      counts["not-selected"] += 1;
      await tree.add(leaf);
    }
    report.checked.push({ what: "stood", count: position });
    const root = hex(await tree.root());
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
  async #givenOut({ proposed: proposal }) {
    const report = this.#report;
    const proposed = batchesOf(this.#later, "ReleaseProposed", this.#epoch);
    for (const batch of repeated(this.#later, this.#epoch)) report.wrong({ what: "batch-twice", batch });
    let number = 0;
    for (const [batch, opened] of batchesOf(this.#later, "ReleaseOpened", this.#epoch)) {
      number += 1;
      if (batch !== number || opened.selection_root !== proposal.selection_root || !twoOfficers(opened.actors)) {
        report.wrong({ what: "batch-opened", batch });
      }
      const { root, state, counts, changed } = await this.#releases.giveOut(opened);
      const said = proposed.get(batch);
      const moved = { batch, changed, confirmed: false };
      report.batches.push(moved);
      if (said === undefined) {
        report.notChecked.push({ what: "batch-not-proposed", batch });
        continue;
      }
      const stated = [said.batch_root, said.state_hash, said.promoted, said.changed, said.withdrawn];
      report.same(canonical([root, state, ...counts]) === canonical(stated), { what: "batch", batch, counts, root, stated });
      moved.confirmed = this.#batchConfirmed(batch, root);
    }
  }

  /** Whether it is: by a confirmation of its own, of a later batch, or of the selection after it. */
  #batchConfirmed(batch, root) {
    const confirmed = this.#later.filter(
      ({ event, body }) =>
        ["ReleaseConfirmed", "SelectionConfirmed"].includes(event) && body.epoch === this.#epoch && (body.batch ?? 0) >= batch,
    );
    if (!confirmed.length) this.#report.notChecked.push({ what: "batch-not-confirmed", batch });
    for (const { body } of confirmed) {
      const { actors, batch: said, batch_root: stated } = shaped("ReleaseConfirmed", body);
      if ((said === batch && stated !== root) || !twoOfficers(actors)) {
        this.#report.wrong({ what: "batch-confirmed", batch: said });
      }
    }
    return confirmed.length > 0;
  }

  #firmsToldApart() {
    const told = new Set();
    for (const firms of this.#firms.values()) {
      for (const firm of firms) told.add(firm);
      if (firms.size > 1) this.#report.wrong({ what: "one-number", firms: [...firms].sort((one, other) => one - other) });
    }
    this.#report.same(told.size === this.#firms.size, { what: "firms", numbers: this.#firms.size, told: told.size });
  }

  #officers({ commitment, proposed }) {
    const every = this.#later.filter(({ event, body }) => event === "SelectionConfirmed" && body.epoch === this.#epoch);
    if (every.length > 1) this.#report.wrong({ what: "event-twice", event: "SelectionConfirmed", of: this.#epoch });
    const confirmed = every.at(-1)?.body;
    if (confirmed === undefined) {
      this.#report.notChecked.push({ what: "no-confirmation" });
      return;
    }
    shaped("SelectionConfirmed", confirmed);
    const officers = confirmed.actors.map((actor) => actor.name).sort(compared);
    const right =
      confirmed.commitment_root === commitment.commitment_root &&
      confirmed.selection_root === proposed.selection_root &&
      twoOfficers(confirmed.actors);
    this.#report.same(right, { what: "officers", officers });
  }

  async #panel({ scoresClosed: closed }) {
    const report = this.#report;
    const count = this.#marked;
    if (!this.#open) report.notChecked.push({ what: "marks-sealed" });
    else if (closed === null) report.wrong({ what: "not-closed" });
    else if (count > closed.marks || (count < closed.marks && this.#epoch === 1)) report.wrong({ what: "marks-more", closed: closed.marks, count });
    else if (count < closed.marks) report.notChecked.push({ what: "marks-partly", closed: closed.marks, count });
    else {
      const root = await this.#marks.root();
      report.same(root === closed.marks_root, { what: "marks", count, root, stated: closed.marks_root });
    }
  }

  async #sayWhatIsLeft({ policy, scoresClosed }) {
    const left = this.#report.notChecked;
    left.push({ what: this.#open ? "findings-follow" : "public-depth" });
    if (this.#open && this.#judging.unread.length) left.push({ what: "patterns", kinds: this.#judging.unread });
    if (policy.scoring?.panel_points) await this.#panel({ scoresClosed });
    if (this.#epoch > 1) left.push({ what: "later-tickets" });
    left.push({ what: "stated-true" });
  }
}
