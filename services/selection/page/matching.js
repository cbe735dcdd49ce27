// Matching, in draw order, as in verify.py: each product takes the requests it meets, most money left first.

import { compared, sha256Hex } from "./hashes.js";

const KEPT_AT_ONCE = 1 << 29; // bits, of sets of places; what is not kept is made again
const CHANGES_AT_LEAST = 16; // after which requests are put in order again; of many, after four times their number's root
const BLOCKS = 64; // sets of places kept of an order, so that one from any place on is near one of them

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

  give(units, won) {
    this.quantity -= units;
    this.budget -= won;
  }
}

/** Most money left first, ties by the request's hash. */
function standing(one, other) {
  return other.budget - one.budget || compared(one.tie, other.tie);
}

/** Every condition but the price. */
function meets(entry, { delivery_days_at_most: days, region, certificate_kinds: kinds }) {
  return (
    (days === null || entry.delivery_days <= days) &&
    (region === null || entry.regions.length === 0 || entry.regions.includes(region)) &&
    (kinds.length === 0 || kinds.some((kind) => entry.certificates.includes(kind)))
  );
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

/** Which of so many places are in a set: bit n is the nth. */
class Places {
  #words;

  constructor(size, words = new Uint32Array((size >> 5) + 1)) {
    this.#words = words;
  }

  static of(size, places) {
    return new Places(size).with(places);
  }

  copy() {
    return new Places(0, this.#words.slice());
  }

  with(places) {
    for (const place of places) this.#words[place >> 5] |= 1 << (place & 31);
    return this;
  }

  without(place) {
    this.#words[place >> 5] &= ~(1 << (place & 31));
  }

  or(other) {
    for (let at = 0; at < this.#words.length; at += 1) this.#words[at] |= other.#words[at];
    return this;
  }

  and(other) {
    for (let at = 0; at < this.#words.length; at += 1) this.#words[at] &= other.#words[at];
    return this;
  }

  andNot(other) {
    for (let at = 0; at < this.#words.length; at += 1) this.#words[at] &= ~other.#words[at];
    return this;
  }

  /** The first of them from a place on; -1 where there is none. */
  next(from) {
    for (let at = from >> 5; at < this.#words.length; at += 1) {
      const word = at === from >> 5 ? this.#words[at] & (-1 << (from & 31)) : this.#words[at];
      if (word) return at * 32 + 31 - Math.clz32(word & -word);
    }
    return -1;
  }
}

/** Which of these numbers are at least so much. */
class AtLeast {
  #places;
  #numbers;
  #step;
  #from = [];

  constructor(numbers) {
    this.#places = numbers.map((_, place) => place).sort((one, other) => numbers[one] - numbers[other]);
    this.#numbers = this.#places.map((place) => numbers[place]);
    this.#step = Math.floor(numbers.length / BLOCKS) + 1;
    const blocks = Math.floor(numbers.length / this.#step) + 1;
    this.#from[blocks] = new Places(numbers.length);
    for (let block = blocks - 1; block >= 0; block -= 1) {
      const places = this.#places.slice(block * this.#step, (block + 1) * this.#step);
      this.#from[block] = this.#from[block + 1].copy().with(places);
    }
  }

  /** A set of the caller's own. */
  places(least) {
    const first = firstAtLeast(this.#numbers, least);
    const block = Math.ceil(first / this.#step);
    return this.#from[block].copy().with(this.#places.slice(first, block * this.#step));
  }
}

/** Requests in some order, each with the dearest price it takes: which of them meet an offer. */
class Index {
  #prices;
  #days;
  #places = new Map();
  #kept = new Map();

  constructor(requests, prices) {
    this.requests = requests;
    this.#prices = new AtLeast(prices);
    this.#days = new AtLeast(requests.map(({ record }) => record.delivery_days_at_most ?? Infinity));
    requests.forEach(({ institution, record }, place) => {
      for (const kind of record.certificate_kinds) this.#put(`kind ${kind}`, place);
      if (!record.certificate_kinds.length) this.#put("any kind", place);
      this.#put(record.region === null ? "any region" : `region ${record.region}`, place);
      this.#put(`institution ${institution}`, place);
    });
  }

  #put(key, place) {
    if (!this.#places.has(key)) this.#places.set(key, []);
    this.#places.get(key).push(place);
  }

  meeting(entry) {
    const found = this.#prices.places(entry.price_won).and(this.#days.places(entry.delivery_days));
    if (entry.regions.length) found.and(this.#any("region", entry.regions));
    return found.and(this.#any("kind", entry.certificates));
  }

  /** Those of such a condition, or of an institution; kept. */
  of(key) {
    if (!this.#kept.has(key)) {
      if (this.#kept.size * this.requests.length > KEPT_AT_ONCE) this.#kept.clear();
      this.#kept.set(key, Places.of(this.requests.length, this.#places.get(key)));
    }
    return this.#kept.get(key);
  }

  /** With those that ask for nothing of the kind. */
  #any(what, names) {
    const found = new Places(this.requests.length);
    for (const key of [`any ${what}`, ...names.map((name) => `${what} ${name}`)]) {
      if (this.#places.has(key)) found.or(this.of(key));
    }
    return found;
  }
}

/** The requests of a class, most money left first. Those bought of since they were put in order stand apart; once that,
 * or an institution without the money, was met often, all are put in order again. */
class Shelf {
  requests = [];
  #pledges;
  #atFirst = null;
  #inOrder = null;
  #place;
  #untouched;
  #touched = [];
  #fresh = new Set();
  #changes = 0;

  constructor(pledges) {
    this.#pledges = pledges;
  }

  bought(request) {
    this.#fresh.add(request);
  }

  /** Whether a request met it at first. */
  wanted(entry) {
    this.#atFirst ??= new Index(
      this.requests,
      this.requests.map(({ dearest }) => dearest),
    );
    return this.#atFirst.meeting(entry).next(0) >= 0;
  }

  /** Those it can sell to, in their order. */
  *suiting(entry) {
    this.#turn();
    const price = entry.price_won;
    const touched = this.#touched.filter(
      (one) => price <= Math.min(one.dearest, one.budget) && meets(entry, one.record),
    );
    let next = 0;
    for (const request of this.#unsold(entry)) {
      for (; next < touched.length && standing(touched[next], request) < 0; next += 1) yield touched[next];
      yield request;
    }
    yield* touched.slice(next);
  }

  *#unsold(entry) {
    const index = this.#inOrder;
    const places = index.meeting(entry).and(this.#untouched);
    for (let place = places.next(0); place >= 0; place = places.next(place + 1)) {
      const request = index.requests[place];
      if (this.#pledges.get(request.institution) < entry.price_won) {
        this.#changes += 1;
        places.andNot(index.of(`institution ${request.institution}`));
      } else yield request;
    }
  }

  /** What was bought of since the last time is put apart. */
  #turn() {
    this.#changes += this.#fresh.size;
    if (this.#inOrder === null || this.#changes ** 2 > 16 * this.requests.length + CHANGES_AT_LEAST ** 2) this.#order();
    if (!this.#fresh.size) return;
    for (const request of this.#fresh) this.#untouched.without(this.#place.get(request));
    this.#touched = [...this.#touched.filter((one) => !this.#fresh.has(one)), ...this.#fresh]
      .filter(({ quantity }) => quantity)
      .sort(standing);
    this.#fresh.clear();
  }

  #order() {
    const left = this.requests.filter(({ quantity }) => quantity).sort(standing);
    this.#place = new Map(left.map((request, place) => [request, place]));
    this.#untouched = Places.of(left.length, left.keys());
    this.#touched = [];
    this.#fresh.clear();
    this.#changes = 0;
    this.#inOrder = new Index(
      left,
      left.map((one) => Math.min(one.dearest, one.budget, this.#pledges.get(one.institution))),
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
    if (!this.#shelves.has(record.class_code)) this.#shelves.set(record.class_code, new Shelf(this.#pledges));
    this.#shelves.get(record.class_code).requests.push(request);
  }

  /** [result, reason, place in the reserve, awards as [request, quantity, won]] */
  place(entry) {
    const limits = this.#over(entry);
    const awards = this.#bought(entry, limits);
    if (awards.length) return ["selected", null, null, awards];
    const shelf = this.#shelves.get(entry.class_code);
    if (!shelf?.wanted(entry)) return ["not-selected", "no-demand", null, []];
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
    request.give(units, won);
    this.#pledges.set(request.institution, this.#pledges.get(request.institution) - won);
    this.#shelves.get(request.record.class_code).bought(request);
  }

  /** From requests it holds nothing of, with the capacity it has left. */
  #buy(entry, held) {
    const { price_won: price } = entry;
    const theirs = new Set(held.map(([request]) => request));
    let capacity = entry.capacity - held.reduce((sum, [, units]) => sum + units, 0);
    const awards = [];
    for (const request of this.#shelves.get(entry.class_code)?.suiting(entry) ?? []) {
      if (capacity <= 0 || held.length + awards.length >= this.#requestsAtMost) break;
      const money = Math.min(request.budget, this.#pledges.get(request.institution));
      const units = Math.min(capacity, request.quantity, Math.floor(money / price));
      if (units <= 0 || theirs.has(request.id)) continue;
      capacity -= units;
      this.#give(request, units, units * price);
      awards.push([request.id, units, units * price]);
    }
    return awards;
  }
}
