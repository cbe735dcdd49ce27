// Batches that give out what was set free after the proposal, as in verify.py: exactly what officers named.

import { canonical, hex, jsonHash, Tree } from "./hashes.js";
import { Matching } from "./matching.js";

export class Releases {
  #policy;
  #pledges; // as committed
  #requests = [];
  #places = []; // who is selected or in reserve, in draw order
  #awards = new Map(); // by application, of those that have some
  #left = new Set();
  #cancelled = new Set();

  constructor(policy, pledges) {
    this.#policy = policy;
    this.#pledges = [...pledges];
  }

  ask(record) {
    this.#requests.push(record);
  }

  /** In draw order, as the proposal has them. */
  place(entry, result, awards) {
    if (result === "not-selected") return;
    this.#places.push(entry);
    if (awards.length) this.#awards.set(entry.application, awards);
  }

  /** {root, state, counts, changed}: the batch's root, the hash of what was left before it, [promoted, changed,
   * withdrawn], and what became of each whom it moved. */
  giveOut(opened) {
    const leaving = new Map(opened.leaving.map(({ application, cause }) => [application, cause]));
    for (const { request } of opened.cancelled) this.#cancelled.add(request);
    const matching = new Matching(this.#policy, new Map(this.#pledges));
    for (const record of this.#requests) if (!this.#cancelled.has(record.request)) matching.ask(record);
    const standing = this.#places.filter(({ application }) => !this.#left.has(application));
    const kept = new Map(standing.map(({ application }) => [application, this.#kept(application, leaving)]));
    for (const entry of standing) if (kept.get(entry.application).length) matching.hold(entry, kept.get(entry.application));
    const state = jsonHash(matching.state());
    const tree = new Tree();
    const counts = [0, 0, 0];
    const after = new Map(this.#awards);
    const changed = new Map();
    for (const entry of standing) {
      const { application } = entry;
      const had = this.#awards.get(application) ?? [];
      let held = kept.get(application);
      if (!leaving.has(application)) {
        if (had.length && held.length === had.length) continue;
        held = matching.more(entry, held);
        if (canonical(held) === canonical(had)) continue;
      }
      counts[held.length ? (had.length ? 1 : 0) : 2] += 1;
      after.set(application, held);
      const left = leaving.get(application) ?? null;
      const result = left ? "not-selected" : held.length ? "selected" : "reserve";
      changed.set(application, { result, reason: left, awards: held });
      tree.add(canonical([application, result, left, held]));
    }
    this.#awards = after;
    for (const application of leaving.keys()) this.#left.add(application);
    return { root: hex(tree.root()), state, counts, changed };
  }

  #kept(application, leaving) {
    if (leaving.has(application)) return [];
    return (this.#awards.get(application) ?? []).filter(([request]) => !this.#cancelled.has(request));
  }
}

/** By a confirmation of its own, of a later batch, or of the selection after it. */
export function batchConfirmed(later, epoch, batch) {
  const confirms = ["ReleaseConfirmed", "SelectionConfirmed"];
  return later.some(({ event, body }) => confirms.includes(event) && body.epoch === epoch && (body.batch ?? 0) >= batch);
}
