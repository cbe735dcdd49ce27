// Matching, in draw order, as in verify.py: each product takes the requests it meets, most money left first.

import { compared, sha256Hex } from "./hashes.js";

/** A purchase request and what is left of it. */
class Request {
  constructor(record, pledge, tie) {
    this.record = record;
    this.institution = record.institution;
    this.quantity = record.quantity;
    this.budget = record.budget_won;
    this.dearest = Math.min(record.price_ceiling_won ?? this.budget, this.budget, pledge);
    this.tie = tie;
  }

  metBy(entry) {
    const { delivery_days_at_most: days, region, certificate_kinds: kinds } = this.record;
    return (
      entry.price_won <= this.dearest &&
      (days === null || entry.delivery_days <= days) &&
      (region === null || entry.regions.length === 0 || entry.regions.includes(region)) &&
      (kinds.length === 0 || kinds.some((kind) => entry.certificates.includes(kind)))
    );
  }
}

/** Places, products of a firm and reserve, of the round or of a track. */
class Limit {
  selected = 0;
  reserved = 0;
  firms = new Map();

  constructor(stated) {
    this.places = stated.places ?? Infinity;
    this.ofFirm = stated.selections_per_firm ?? Infinity;
    this.reserve = stated.reserve ?? Infinity;
  }

  full() {
    return this.selected >= this.places;
  }

  firmFull(firm) {
    return (this.firms.get(firm) ?? 0) >= this.ofFirm;
  }

  reserveFull() {
    return this.reserved >= this.reserve;
  }

  select(firm) {
    this.selected += 1;
    this.firms.set(firm, (this.firms.get(firm) ?? 0) + 1);
  }
}

export class Matching {
  #pledges; // what is left, by institution
  #pledged; // whose pledges were committed
  #classes = new Map(); // every request, by class
  #open = new Map(); // those with units left
  #requestsAtMost;
  #round;
  #tracks;
  #reserve = 0;

  constructor(policy, pledges) {
    this.#pledges = new Map(pledges);
    this.#pledged = [...this.#pledges.keys()].sort(compared);
    this.#requestsAtMost = policy.limits.requests_per_product;
    this.#round = new Limit(policy.limits);
    this.#tracks = new Map(
      policy.tracks.filter((track) => track.limits).map((track) => [track.track, new Limit(track.limits)]),
    );
  }

  async ask(record) {
    if (!this.#pledges.has(record.institution)) this.#pledges.set(record.institution, 0);
    const tie = await sha256Hex(record.request);
    const request = new Request(record, this.#pledges.get(record.institution), tie);
    for (const held of [this.#classes, this.#open]) {
      if (!held.has(record.class_code)) held.set(record.class_code, []);
      held.get(record.class_code).push(request);
    }
  }

  /** [result, reason, place in the reserve, awards as [request, quantity, won]] */
  place(entry) {
    const over = this.#over(entry);
    const awards = this.#bought(entry, over);
    if (awards.length) return ["selected", null, null, awards];
    if (!(this.#classes.get(entry.class_code) ?? []).some((request) => request.metBy(entry))) {
      return ["not-selected", "no-demand", null, []];
    }
    if (over.some((limit) => limit.firmFull(entry.firm))) return ["not-selected", "firm-limit", null, []];
    if (over.some((limit) => limit.reserveFull())) return ["not-selected", "reserve-full", null, []];
    for (const limit of over) limit.reserved += 1;
    this.#reserve += 1;
    return ["reserve", null, this.#reserve, []];
  }

  /** Takes out what a product has already, and the place it has with it. */
  hold(entry, awards) {
    for (const limit of this.#over(entry)) limit.select(entry.firm);
    const ofClass = new Map(this.#classes.get(entry.class_code).map((request) => [request.record.request, request]));
    for (const [identifier, units, won] of awards) this.#give(ofClass.get(identifier), units, won);
    this.#drop(entry.class_code);
  }

  /** What a product has after its turn in a batch; one that holds an award still has its place. */
  more(entry, held) {
    return held.length ? [...held, ...this.#buy(entry, held)] : this.#bought(entry, this.#over(entry));
  }

  /** What is left of each pledge and each request, by id. */
  state() {
    const requests = [...this.#classes.values()].flat();
    const left = requests.map((request) => [request.record.request, request.quantity, request.budget]);
    const byId = ([one], [other]) => compared(one, other);
    const pledges = this.#pledged.map((institution) => [institution, this.#pledges.get(institution)]);
    return { pledges, requests: left.sort(byId) };
  }

  #over(entry) {
    const own = this.#tracks.get(entry.track);
    return own ? [this.#round, own] : [this.#round];
  }

  /** Within the limits it stands under. */
  #bought(entry, over) {
    if (over.some((limit) => limit.full() || limit.firmFull(entry.firm))) return [];
    const awards = this.#buy(entry, []);
    if (awards.length) for (const limit of over) limit.select(entry.firm);
    return awards;
  }

  #give(request, units, won) {
    request.quantity -= units;
    request.budget -= won;
    this.#pledges.set(request.institution, this.#pledges.get(request.institution) - won);
  }

  /** Requests without units left are not looked at again. */
  #drop(ofClass) {
    this.#open.set(ofClass, this.#open.get(ofClass).filter((request) => request.quantity));
  }

  #money(request) {
    return Math.min(request.budget, this.#pledges.get(request.institution));
  }

  /** From requests it holds nothing of, with the capacity it has left. */
  #buy(entry, held) {
    const { class_code: ofClass, price_won: price } = entry;
    let capacity = entry.capacity - held.reduce((sum, [, units]) => sum + units, 0);
    const theirs = new Set(held.map(([request]) => request));
    const fitting = (this.#open.get(ofClass) ?? []).filter(
      (request) => this.#money(request) >= price && request.metBy(entry) && !theirs.has(request.record.request),
    );
    fitting.sort((one, other) => other.budget - one.budget || compared(one.tie, other.tie));
    const awards = [];
    for (const request of fitting) {
      if (capacity <= 0 || held.length + awards.length >= this.#requestsAtMost) break;
      const units = Math.min(capacity, request.quantity, Math.floor(this.#money(request) / price));
      if (units === 0) continue;
      const won = units * price;
      capacity -= units;
      this.#give(request, units, won);
      awards.push([request.record.request, units, won]);
    }
    if (awards.length) this.#drop(ofClass);
    return awards;
  }
}
