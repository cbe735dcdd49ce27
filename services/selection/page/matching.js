// Matching, in draw order, as in verify.py: each product takes the requests it meets, most money left first.

import { compared, sha256Hex } from "./hashes.js";

const REACHED_AT_ONCE = 50_000; // what is not kept is put in order again

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

/** The requests of a class whose conditions, but for the price, are met by all offers of one kind: a tree over them in
 * order of the dearest price each takes. A node is the one below it with most budget left, as it was when it was looked
 * at: budgets only shrink, so one that stands too high is found when it comes first. */
class Reach {
  #tree; // {budget, place, request}, null where nobody stands
  #prices;
  size;
  dearest; // that any of them took at first
  most; // none of them takes a higher price now

  /** @param requests in order of the dearest price */
  constructor(requests) {
    this.size = requests.length;
    this.#prices = requests.map(({ dearest }) => dearest);
    this.#tree = new Array(2 * this.size).fill(null);
    requests.forEach((request, place) => (this.#tree[this.size + place] = standing(place, request)));
    for (let node = this.size - 1; node > 0; node -= 1) this.#lift(node);
    this.dearest = this.most = this.#prices.at(-1) ?? -1;
  }

  /** The one with most budget left that takes the price; null where there is none. */
  first(price) {
    const from = firstAtLeast(this.#prices, price);
    for (;;) {
      const found = this.#first(from);
      if (found === null || found.budget === found.request.budget) return found;
      this.put(found.place, found.request);
    }
  }

  #first(place) {
    let [left, right, found] = [place + this.size, 2 * this.size, null];
    while (left < right) {
      if (left % 2) {
        found = before(found, this.#tree[left]);
        left += 1;
      }
      if (right % 2) {
        right -= 1;
        found = before(found, this.#tree[right]);
      }
      left = Math.floor(left / 2);
      right = Math.floor(right / 2);
    }
    return found;
  }

  #lift(node) {
    this.#tree[node] = before(this.#tree[2 * node], this.#tree[2 * node + 1]);
  }

  /** With the budget it has now; null: nobody stands there for the time being. */
  put(place, request) {
    let node = place + this.size;
    this.#tree[node] = request && standing(place, request);
    while (node > 1) {
      node = Math.floor(node / 2);
      this.#lift(node);
    }
  }

  /** Looks again at what price one of them takes at the most. */
  limit(moneyOf) {
    const left = this.#tree.slice(this.size).filter((one) => one !== null);
    this.most = left.reduce((most, { request }) => Math.max(most, Math.min(request.dearest, moneyOf(request))), -1);
  }
}

function standing(place, request) {
  return request.quantity ? { budget: request.budget, place, request } : null;
}

/** Of two, the one that comes first. */
function before(one, other) {
  if (one === null || other === null) return one ?? other;
  return (other.budget - one.budget || compared(one.request.tie, other.request.tie)) <= 0 ? one : other;
}

/** Where in ascending numbers those of at least `least` begin. */
function firstAtLeast(numbers, least) {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The requests of a class, and what of an offer their conditions can tell apart. */
class Shelf {
  requests = [];
  #reaches = new Map();
  #reached = 0; // requests in them
  #days;
  #regions;
  #kinds;

  reach(entry) {
    if (!this.#reaches.size) {
      this.requests.sort((one, other) => one.dearest - other.dearest);
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
      if (this.#reached > REACHED_AT_ONCE) {
        this.#reaches.clear();
        this.#reached = 0;
      }
      const reach = new Reach(this.requests.filter(({ record }) => meets(entry, record)));
      this.#reaches.set(kind, reach);
      this.#reached += reach.size;
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
      const found = reach.first(price);
      if (found === null || found.budget < price) break;
      const { place, request } = found;
      passed.push(found);
      reach.put(place, null);
      const units = Math.min(capacity, request.quantity, Math.floor(this.#money(request) / price));
      if (units <= 0 || theirs.has(request.id)) continue;
      capacity -= units;
      this.#give(request, units, units * price);
      awards.push([request.id, units, units * price]);
    }
    for (const { place, request } of passed) reach.put(place, request);
    if (!awards.length && !held.length && passed.length * 8 > reach.size) reach.limit((request) => this.#money(request));
    return awards;
  }
}
