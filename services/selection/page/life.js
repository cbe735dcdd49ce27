// A round's life, as in verify.py: all that was published of it, held against the table LIFE of format.js.

import { ANNOUNCED, LEADING, LIFE } from "./format.js";
import { bucketOf, BUCKETS, canonical, compared, jsonHash, over, Unreadable } from "./hashes.js";
import { tableOf } from "./shapes.js";

/** After every epoch. */
export const FAR = 10_000_000;

/** A row of LIFE. */
function lawOf([states, , to, epoch, ...others]) {
  const parts = (separator) => others.filter((word) => word.includes(separator)).map((word) => word.split(separator));
  const named = Object.fromEntries(parts("="));
  return {
    states: states.split(","),
    to,
    epoch,
    by: named.by ?? null,
    each: named.each ?? null,
    moment: named.moment ?? "",
    since: named.since?.split(",") ?? [],
    says: parts("~"),
  };
}

export const LAWS = new Map([...tableOf(LIFE)].map(([name, words]) => [name, lawOf(words)]));
const PLACES = new Map([...LAWS.keys()].map((name, place) => [name, place]));

/** A moment as text that sorts as the moments do. */
function stamp(moment) {
  const [seconds, fraction = ""] = moment.slice(0, -1).split(".");
  return `${seconds}.${fraction.padEnd(6, "0")}`;
}

/** Its place in the life: epoch, the event's own, and what tells several of them apart. */
function placeOf({ event, body }) {
  const law = LAWS.get(event);
  return [law.epoch === "end" ? FAR : body.epoch || 0, PLACES.get(event), law.each ? body[law.each] : 0];
}

/** The order of lists whose parts can be compared one by one: below, at or above 0. */
function inOrder(one, other) {
  for (let part = 0; part < one.length; part += 1) {
    const order = compared(one[part], other[part]);
    if (order) return order;
  }
  return 0;
}

function isLeading({ event, body }, epoch) {
  const until = event === "ReleaseOpened" ? epoch - 1 : epoch;
  return LEADING.includes(event) && (body.epoch || 0) <= until;
}

/** What does not stand where the format has it, stands twice, or is of an epoch it can't be of. */
export function* misplaced(events, later, epoch) {
  const seen = new Set();
  let last = null;
  for (const event of events) {
    const place = placeOf(event);
    const told = { event: event.event, of: place[0], epoch };
    if (!isLeading(event, epoch)) yield { what: "event-place", before: true, ...told };
    else if (seen.has(JSON.stringify(place))) yield { what: "event-twice", ...told };
    else if (last !== null && inOrder(place, last) < 0) yield { what: "event-order", ...told };
    seen.add(JSON.stringify(place));
    if (last === null || inOrder(place, last) > 0) last = place;
  }
  let order = null;
  for (const event of later) {
    const { body } = event;
    const place = placeOf(event);
    const stands = [body.epoch || 0, body.batch || 0, event.event, jsonHash(body)];
    const told = { event: event.event, of: place[0], epoch };
    if (isLeading(event, epoch)) yield { what: "event-place", before: false, ...told };
    else if (seen.has(JSON.stringify(place))) yield { what: "event-twice", ...told };
    else if (order !== null && inOrder(stands, order) < 0) yield { what: "event-order", ...told };
    seen.add(JSON.stringify(place));
    if (order === null || inOrder(stands, order) > 0) order = stands;
  }
}

/** All that was published of the round. */
export class Life {
  #found = new Map();
  events;
  terms;

  constructor(events) {
    this.events = [...events].sort((one, other) => inOrder(placeOf(one), placeOf(other)));
    for (const event of this.events) {
      const [epoch, , each] = placeOf(event);
      const key = JSON.stringify([event.event, epoch, each]);
      if (!this.#found.has(key)) this.#found.set(key, { name: event.event, epoch, body: event.body });
    }
    const amended = this.events.filter(({ event }) => event === "RoundAmended");
    this.terms = amended.at(-1)?.body ?? this.one("RoundAnnounced", 0) ?? {};
  }

  one(name, epoch, each = 0) {
    return this.#found.get(JSON.stringify([name, epoch, each]))?.body ?? null;
  }

  /** By epoch, in their order. */
  all(name) {
    const found = [...this.#found.values()].filter((one) => one.name === name);
    return new Map(found.map(({ epoch, body }) => [epoch, body]));
  }

  /** Every ReleaseOpened. */
  released() {
    return this.events.filter(({ event }) => event === "ReleaseOpened").map(({ body }) => body);
  }

  /** What fixed the set of an epoch. */
  setOf(epoch) {
    return epoch === 1 ? this.one("RoundFrozen", 1) : this.one("EpochOpened", epoch);
  }

  *faults() {
    let [state, opened] = ["unknown", 1];
    for (const { event, body } of this.events) {
      const law = LAWS.get(event);
      const epoch = body.epoch || 0;
      const right = { none: epoch === 0, end: epoch === 0, first: epoch === 1, later: epoch === opened + 1 };
      if (!(right[law.epoch] ?? epoch === opened)) yield { what: "event-epoch", event, epoch, opened };
      if (!law.states.includes(state) && law.states[0] !== "*") yield { what: "event-state", event, epoch, state };
      if (law.to !== "same") state = law.to;
      if (event === "EpochOpened") opened = epoch;
      if (law.by && !acted(law.by, body.actors)) yield { what: "by-whom", event, epoch, by: law.by };
      yield* this.#agreeing(event, body);
      yield* this.#inTime(event, body);
    }
  }

  #other(which, body) {
    if (which === "terms") return this.terms;
    if (which === "set") return this.setOf(body.epoch || 0);
    const law = LAWS.get(which);
    const epoch = { none: 0, first: 1 }[law.epoch] ?? (body.epoch || 0);
    return this.one(which, epoch, law.each === "batch" ? body.batch || 0 : 0);
  }

  *#agreeing(event, body) {
    for (const [own, path] of LAWS.get(event).says) {
      const [which, ...member] = path.split(".");
      const other = this.#other(which, body);
      if (other !== null && canonical(memberOf(body, own.split("."))) !== canonical(memberOf(other, member))) {
        yield { what: "disagrees", event, epoch: body.epoch || 0, own, which };
      }
    }
  }

  *#inTime(event, body) {
    const law = LAWS.get(event);
    const at = body[law.moment];
    for (const which of law.since) {
      if (this.#before(which, body).some((one) => stamp(one) > stamp(at))) {
        yield { what: "time", event, epoch: body.epoch || 0, name: law.moment, at, which };
      }
    }
  }

  /** The moments that the event may not be earlier than. */
  #before(which, body) {
    if (Object.hasOwn(body, which)) return [body[which]];
    if (which === "before") {
      const earlier = this.setOf(body.epoch - 1);
      return earlier ? [earlier.opened_at ?? earlier.frozen_at] : [];
    }
    if (which === "ScoresClosed" || which === "SourceValueRecorded") {
      const upTo = [...this.all(which)].filter(([epoch]) => epoch <= body.epoch);
      return upTo.map(([, one]) => one[LAWS.get(which).moment]);
    }
    const other = this.#other(which, body);
    const named = which !== "set" ? which : body.epoch === 1 ? "RoundFrozen" : "EpochOpened";
    return other ? [other[LAWS.get(named).moment]] : [];
  }
}

/** Nothing, zero, no and an empty text or list are the same: null. */
function memberOf(body, path) {
  const value = path.reduce((within, name) => within[name], body);
  const empty = Array.isArray(value) ? !value.length : value && typeof value === "object" && !Object.keys(value).length;
  return value && !empty ? value : null;
}

/** Whether it is an act of two officers, of the clock, or of who may announce: the clock, an officer, or two. */
export function acted(by, actors) {
  const only = (role) => actors.length === 1 && actors[0].role === role;
  const who = by.split("-");
  return (
    (who.includes("clock") && only("system")) ||
    (who.includes("officers") && twoOfficers(actors)) ||
    (by === "announcers" && (only("system") || only("officer") || twoOfficers(actors)))
  );
}

/** Two persons, both officers: one under two spellings is one. */
export function twoOfficers(actors) {
  const names = new Set(actors.map(({ name }) => spelled(name)));
  return names.size === 2 && actors.length === 2 && actors.every(({ role }) => role === "officer");
}

/** Letters and marks that Unicode has as not shown (Default_Ignorable_Code_Point), and the blank of Braille. */
const UNSEEN = /[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\u{e0000}-\u{e0fff}]/gu;

/** What is left of a name without capitals, widths, blanks and signs that don't show. */
export function spelled(name) {
  return name.normalize("NFKC").toLowerCase().replace(UNSEEN, "").replace(/[\p{Z}\p{Cc}\p{Cf}]/gu, "");
}

/** What of the announcement, the window, the manifests and the counts does not fit together. */
export function* unsound(life, version) {
  let closesAt = null;
  let amendment = 0;
  for (const { event, body } of life.events) {
    if (["RoundAnnounced", "RoundAmended", "RoundOpened"].includes(event)) {
      if (stamp(body.opens_at) >= stamp(body.closes_at)) yield { what: "window", event };
      closesAt = body.closes_at;
    }
    if (event === "RoundAnnounced" || event === "RoundAmended") yield* announcementFaults(event, body, version);
    if (event === "RoundAmended") {
      amendment += 1;
      if (body.amendment !== amendment) yield { what: "amendment", amendment };
    }
    if (event === "RoundExtended") {
      if (body.closed_at_before !== closesAt || stamp(body.closes_at) <= stamp(body.closed_at_before)) {
        yield { what: "extension", to: body.closes_at, before: closesAt };
      }
      closesAt = body.closes_at;
    }
    if (event === "RoundFrozen") {
      if (body.closes_at !== closesAt) yield { what: "extension", to: body.closes_at, before: closesAt };
      if (version > 1 && (body.pledges ?? null) === null) yield { what: "version", event, lacks: "pledges" };
    }
    for (const member of ["applications", "requests", "verdicts"]) {
      if (typeof body[member] === "object") yield* manifestFaults(event, member, body[member]);
    }
    yield* countFaults(life, event, body, version);
    yield* epochFaults(life, event, body);
    yield* batchFaults(life, event, body);
  }
  const times = new Map();
  for (const one of life.released().flatMap(setFree)) times.set(one, (times.get(one) ?? 0) + 1);
  for (const one of [...times.keys()].sort()) if (times.get(one) > 1) yield { what: "batch-named", twice: one };
}

/** Ids that a batch sets free: of who leaves, and of cancelled requests. */
export function setFree({ leaving, cancelled }) {
  return [...leaving.map(({ application }) => application), ...cancelled.map(({ request }) => request)];
}

function* announcementFaults(event, body, version) {
  const root = body.announcement_root ?? null;
  const pledges = body.pledges ?? null;
  if (root === null || pledges === null) {
    if (version > 1 || root !== null) yield { what: "version", event, lacks: "announcement_root" };
    return;
  }
  const stated = Object.fromEntries(ANNOUNCED.map((member) => [member, body[member] ?? null]));
  stated.unattended = body.unattended ?? false;
  stated.pledges = pledges.map(({ institution, pledge_won }) => [institution, pledge_won]);
  if (root !== jsonHash(stated)) yield { what: "announcement-root", event };
}

function* manifestFaults(event, set, { count, root, counts, roots }) {
  if (counts.length !== BUCKETS || roots.length !== BUCKETS) {
    throw new Unreadable({ what: "malformed", path: `${event}.${set}`, lacks: `${BUCKETS} buckets` });
  }
  const sum = counts.reduce((whole, one) => whole + BigInt(one), 0n);
  if (BigInt(count) !== sum || root !== over(roots)) yield { what: "manifest-sum", event, set };
}

function* countFaults(life, event, body, version) {
  const { epoch } = body;
  if (event === "EligibilityCompleted" && body.eligible + body.ineligible !== body.verdicts.count) {
    yield { what: "counts", event, epoch };
  }
  if (event === "InputsCommitted") {
    const committed = life.all(event);
    const first = Math.min(...committed.keys());
    if ((body.seed_epoch || epoch) !== first) yield { what: "seed-epoch", epoch: first, stated: body.seed_epoch ?? null };
    if (body.pledges_root !== committed.get(first).pledges_root) yield { what: "pledges-moved", epoch };
    if (epoch === first && body.supplementary) yield { what: "supplementary-count", mine: 0, stated: body.supplementary };
    if (!panelClosed(life, epoch)) yield { what: "not-closed", epoch };
  }
  if (event === "SelectionProposed") {
    const committed = life.one("InputsCommitted", epoch);
    if (committed && body.selected + body.reserve + body.not_selected !== committed.entries) {
      yield { what: "counts", event, epoch };
    }
    const first = Math.min(...life.all("InputsCommitted").keys());
    const drawn = committed && (epoch === first || committed.supplementary);
    if (drawn && life.one("SourceValueRecorded", epoch) === null) yield { what: "no-seed", epoch };
    if (version > 1 && (body.shown_root ?? null) === null) yield { what: "version", event, lacks: "shown_root" };
  }
}

/** Whether marks were closed since the epoch that last admitted somebody, if a panel gives any. */
export function panelClosed(life, epoch) {
  if (!life.one("RoundOpened", 0)?.policy.scoring?.panel_points) return true;
  const admitted = [...life.all("EpochOpened")].filter(([of, body]) => of <= epoch && body.admitted?.length);
  const closed = [...life.all("ScoresClosed").keys()].filter((of) => of <= epoch);
  return Math.max(0, ...closed) >= Math.max(1, ...admitted.map(([of]) => of));
}

/** What an epoch's act can't have moved: it admits somebody, has some judged again, or takes out who is parked. */
function* epochFaults(life, event, body) {
  const { epoch } = body;
  if (!["EpochOpened", "EligibilityCompleted"].includes(event)) return;
  const [opened, before] = [life.one("EpochOpened", epoch), life.setOf(epoch - 1)];
  if (opened === null || before === null) return;
  const [admitted, again] = [opened.admitted ?? [], opened.judge_again];
  const amended = (opened.amended ?? []).map(({ application }) => application);
  const moved = movedBetween(before.applications, opened.applications);
  if (event === "EligibilityCompleted") {
    const completed = life.one("EligibilityCompleted", epoch - 1);
    const judged = completed ? [...movedBetween(completed.verdicts, body.verdicts).keys()] : [];
    const named = new Set(again.map(bucketOf));
    if (!opened.judge_all && judged.some((bucket) => !moved.has(bucket) && !named.has(bucket))) {
      yield { what: "verdicts-moved", epoch };
    }
    return;
  }
  const ordered = (ids) => canonical(ids) === canonical([...new Set(ids)].sort());
  if (![admitted, again].every(ordered) || ![...admitted, ...amended].every((one) => again.includes(one))) {
    yield { what: "judge-again", epoch };
  }
  if (opened.supplementary_source && !admitted.length) yield { what: "supplementary", epoch };
  if (!asItsAct(life, opened, moved, admitted, amended)) yield { what: "set-moved", epoch };
}

/** Whether the buckets that moved are those of who was admitted, or amended, or taken out. */
export function asItsAct(life, opened, moved, admitted, amended) {
  const grown = [...moved.values()];
  if (admitted.length) {
    const wanted = new Map();
    for (const bucket of admitted.map(bucketOf)) wanted.set(bucket, (wanted.get(bucket) ?? 0) + 1);
    return wanted.size === moved.size && [...wanted].every(([bucket, count]) => moved.get(bucket) === count);
  }
  const judgedAgain = opened.judge_again.length > 0 || opened.judge_all;
  if (grown.some((one) => one !== 0) || !judgedAgain) return takenOut(life, opened, grown);
  const wanted = new Set(amended.map(bucketOf));
  return wanted.size === moved.size && [...wanted].every((one) => moved.has(one));
}

/** Whether the epoch took out who was parked, one alone or all that stood against who is judged again: nothing is
 * completed before. Others of the same firm may have another version then. */
export function takenOut(life, opened, grown) {
  const out = -grown.reduce((sum, one) => sum + one, 0);
  const wasParked = life.one("EligibilityCompleted", opened.epoch - 1) === null;
  const alone = !opened.judge_all && !opened.amended?.length && grown.length > 0 && Math.max(...grown) <= 0;
  return wasParked && alone && (out === 1 || (out > 1 && opened.judge_again.length > 0));
}

/** By how many the buckets grew that are not as they were. */
function movedBetween(before, after) {
  const moved = new Map();
  after.counts.forEach((count, bucket) => {
    const same = count === before.counts[bucket] && after.roots[bucket] === before.roots[bucket];
    if (!same) moved.set(bucket, count - before.counts[bucket]);
  });
  return moved;
}

/** Batches are opened one after another, each once that before it is proposed, and confirmed as proposed. */
export function* batchFaults(life, event, body) {
  const [epoch, batch] = [body.epoch || 0, body.batch || 0];
  if (event === "ReleaseOpened" && batch > 1) {
    const before = life.one("ReleaseProposed", epoch, batch - 1);
    if (before === null) yield { what: "batch-opened", epoch, batch, proposed: false };
    else if (stamp(before.proposed_at) > stamp(body.opened_at)) {
      yield { what: "time", event, epoch, name: "opened_at", at: body.opened_at, which: "ReleaseProposed" };
    }
  }
  if (event === "ReleaseProposed" && life.one("ReleaseOpened", epoch, batch) === null) {
    yield { what: "batch-opened", epoch, batch, proposed: true };
  }
  if (event === "SelectionConfirmed" || event === "ReleaseConfirmed") {
    const proposed = life.one("ReleaseProposed", epoch, batch);
    if (batch > 0 !== (proposed !== null) || (body.batch_root ?? null) !== (proposed?.batch_root ?? null)) {
      yield { what: "batch-confirmed", epoch, batch };
    }
  }
}
