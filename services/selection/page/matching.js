// Matching, in draw order, as in verify.py: each product takes the requests it meets, most money left first.

import { compared, sha256Hex } from "./hashes.js";

/** A purchase request and what is left of it. */
class Request {
  constructor(record, pledge) {
    this.record = record;
    this.id = record.request;
    this.institution = record.institution;
    this.quantity = record.quantity;
    this.budget = record.budget_won;
    this.dearest = Math.min(record.price_ceiling_won ?? this.budget, this.budget, pledge);
    this.tie = sha256Hex(record.request);
  }
}

/** Every condition but the price. */
function meets(entry, { delivery_days_at_most: days, region, certificate_kinds: kinds }) {
  return (
    (days === null || entry.delivery_days <= days) &&
    (region === null || entry.regions.length === 0 || entry.regions.includes(region)) &&
    (kinds.length === 0 || kinds.some((kind) => entry.certificates.includes(kind)))
  );
}

/** The requests of a class whose conditions, but for the price, are met by all offers of one kind; those with most
 * budget left come first. Budgets only shrink, so one that stands too high is found when it comes first. */
class Reach {
  #heap = []; // {budget, place, request}: no child comes before its parent
  dearest; // that any of them took at first
  most; // none of them takes a higher price now

  constructor(requests) {
    this.dearest = this.most = requests.reduce((most, { dearest }) => Math.max(most, dearest), -1);
    requests.forEach((request, place) => {
      if (request.quantity) this.push({ budget: request.budget, place, request });
    });
  }

  get size() {
    return this.#heap.length;
  }

  /** The one with most budget left; null where none has units left. */
  first() {
    while (this.#heap.length) {
      const [held] = this.#heap;
      if (held.request.quantity && held.budget === held.request.budget) return held;
      this.pop();
      if (held.request.quantity) this.push({ ...held, budget: held.request.budget });
    }
    return null;
  }

  push(held) {
    const heap = this.#heap;
    let at = heap.push(held) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!comesBefore(held, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = held;
  }

  pop() {
    const heap = this.#heap;
    const last = heap.pop();
    if (!heap.length) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && comesBefore(heap[child + 1], heap[child])) child += 1;
      if (!comesBefore(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
  }

  /** Looks again at what price one of them takes at the most. */
  limit(moneyOf) {
    this.most = this.#heap.reduce((most, { request }) => Math.max(most, Math.min(request.dearest, moneyOf(request))), -1);
  }
}

function comesBefore(one, other) {
  const order = other.budget - one.budget || compared(one.request.tie, other.request.tie) || one.place - other.place;
  return order < 0;
}

/** The requests of a class, and what of an offer their conditions can tell apart. */
class Shelf {
  requests = [];
  #reaches = new Map();
  #days;
  #regions;
  #kinds;

  reach(entry) {
    if (!this.#reaches.size) {
      const asked = this.requests.map(({ record }) => record);
      const days = asked.map((one) => one.delivery_days_at_most).filter((one) => one !== null);
      this.#days = [...new Set(days)].sort((one, other) => one - other);
      this.#regions = new Set(asked.map(({ region }) => region));
      this.#kinds = new Set(asked.flatMap((one) => one.certificate_kinds));
    }
    const among = (values, asked) => [...new Set(values)].filter((one) => asked.has(one)).sort();
    const late = this.#days.findIndex((days) => entry.delivery_days <= days);
    const regions = entry.regions.length ? among(entry.regions, this.#regions) : null;
    const kind = JSON.stringify([late, regions, among(entry.certificates, this.#kinds)]);
    if (!this.#reaches.has(kind)) {
      this.#reaches.set(kind, new Reach(this.requests.filter(({ record }) => meets(entry, record))));
    }
    return this.#reaches.get(kind);
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
  #shelves = new Map(); // by class
  #named = new Map(); // requests by id
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

  /** Once, however often it stands. */
  ask(record) {
    if (this.#named.has(record.request)) return;
    if (!this.#pledges.has(record.institution)) this.#pledges.set(record.institution, 0);
    const request = new Request(record, this.#pledges.get(record.institution));
    this.#named.set(request.id, request);
    if (!this.#shelves.has(record.class_code)) this.#shelves.set(record.class_code, new Shelf());
    this.#shelves.get(record.class_code).requests.push(request);
  }

  /** [result, reason, place in the reserve, awards as [request, quantity, won]] */
  place(entry) {
    const limits = this.#over(entry);
    const awards = this.#bought(entry, limits);
    if (awards.length) return ["selected", null, null, awards];
    const shelf = this.#shelves.get(entry.class_code);
    if (!shelf || entry.price_won > shelf.reach(entry).dearest) return ["not-selected", "no-demand", null, []];
    if (limits.some((limit) => limit.firmFull(entry.firm))) return ["not-selected", "firm-limit", null, []];
    if (limits.some((limit) => limit.reserveFull())) return ["not-selected", "reserve-full", null, []];
    for (const limit of limits) limit.reserved += 1;
    this.#reserve += 1;
    return ["reserve", null, this.#reserve, []];
  }

  /** Takes out what a product has already, and the place it has with it. */
  hold(entry, awards) {
    for (const limit of this.#over(entry)) limit.select(entry.firm);
    for (const [identifier, units, won] of awards) this.#give(this.#named.get(identifier), units, won);
  }

  /** What a product has after its turn in a batch; one that holds an award still has its place. */
  more(entry, held) {
    return held.length ? [...held, ...this.#buy(entry, held)] : this.#bought(entry, this.#over(entry));
  }

  /** What is left of each pledge and each request, by id. */
  state() {
    const requests = [...this.#named.values()].sort((one, other) => compared(one.id, other.id));
    return {
      pledges: this.#pledged.map((institution) => [institution, this.#pledges.get(institution)]),
      requests: requests.map(({ id, quantity, budget }) => [id, quantity, budget]),
    };
  }

  #over(entry) {
    const own = this.#tracks.get(entry.track);
    return own ? [this.#round, own] : [this.#round];
  }

  /** Within the limits it stands under. */
  #bought(entry, limits) {
    if (limits.some((limit) => limit.full() || limit.firmFull(entry.firm))) return [];
    const awards = this.#buy(entry, []);
    if (awards.length) for (const limit of limits) limit.select(entry.firm);
    return awards;
  }

  #give(request, units, won) {
    request.quantity -= units;
    request.budget -= won;
    this.#pledges.set(request.institution, this.#pledges.get(request.institution) - won);
  }

  #money(request) {
    return Math.min(request.budget, this.#pledges.get(request.institution));
  }

  /** From requests it holds nothing of, with the capacity it has left. */
  #buy(entry, held) {
    const { price_won: price } = entry;
    const reach = this.#shelves.get(entry.class_code)?.reach(entry);
    if (!reach || price > reach.most) return [];
    const theirs = new Set(held.map(([request]) => request));
    let capacity = entry.capacity - held.reduce((sum, [, units]) => sum + units, 0);
    const passed = [];
    const awards = [];
    while (capacity > 0 && held.length + awards.length < this.#requestsAtMost) {
      const first = reach.first();
      if (first === null || first.budget < price) break;
      reach.pop();
      passed.push(first);
      const { request } = first;
      const units = Math.min(capacity, request.quantity, Math.floor(this.#money(request) / price));
      if (units <= 0 || price > request.dearest || theirs.has(request.id)) continue;
      capacity -= units;
      this.#give(request, units, units * price);
      awards.push([request.id, units, units * price]);
    }
    for (const one of passed) if (one.request.quantity) reach.push({ ...one, budget: one.request.budget });
    if (!awards.length && !held.length && passed.length * 8 > reach.size) reach.limit((request) => this.#money(request));
    return awards;
  }
}
