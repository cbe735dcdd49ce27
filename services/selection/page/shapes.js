// The members of each record that are computed with, and their types (docs/evidence.md). JavaScript reads a missing member
// as `undefined` and goes on; here it is a fault of the bundle, as it is for verify.py.

const text = (value) => typeof value === "string";
const whole = (value) => Number.isSafeInteger(value);
const amount = (value) => whole(value) && value >= 0;
const more = (value) => whole(value) && value > 0;
const yesOrNo = (value) => typeof value === "boolean";
const record = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const orNull = (is) => (value) => value === null || is(value);
const left = (is) => (value) => value === undefined || value === null || is(value);
const list = (is) => (value) => Array.isArray(value) && value.every(is);
const of = (shape) => (value) => record(value) && Object.keys(shape).every((name) => shape[name](own(value, name)));
const own = (value, name) => (Object.hasOwn(value, name) ? value[name] : undefined);

const award = (value) => Array.isArray(value) && value.length === 3 && text(value[0]) && more(value[1]) && amount(value[2]);
const mark = (value) => Array.isArray(value) && value.length === 4 && whole(value[2]) && yesOrNo(value[3]);
const pledge = (value) => Array.isArray(value) && value.length === 2 && text(value[0]) && amount(value[1]);
const manifest = of({ root: text, counts: list(amount), roots: list(text) });
const limits = of({ places: left(amount), selections_per_firm: left(amount), reserve: left(amount) });
const condition = of({ rule: text, legal_source: text, decides: left(yesOrNo) });
const waiver = of({ when: list(text), waives: list(text) });
const kind = of({ kind: text, number_pattern: text, grades: left(list(text)), validity_years: left(amount) });
const step = of({
  tickets: amount,
  startup: left(yesOrNo),
  first_timer: left(yesOrNo),
  record_won_at_most: left(amount),
  record_count_at_most: left(amount),
});
const policy = of({
  as_of: text,
  method: text,
  certificates: list(kind),
  limits: (value) => limits(value) && amount(value.requests_per_product),
  tickets: list(step),
  tracks: list(of({ track: text, conditions: list(condition), waivers: left(list(waiver)), limits: left(limits) })),
  scoring: left(
    of({
      threshold: left(whole),
      panel_points: left(amount),
      supply_record: left(list(of({ points: whole, record_won_at_most: left(amount) }))),
    }),
  ),
});

const SHAPES = {
  head: { depth: text, epoch: more, round: text },
  event: { event: text, body: of({ round: text, epoch: left(whole) }) },
  pledges: { pledges: list(pledge) },
  request: {
    request: text,
    version: whole,
    payload_hash: text,
    institution: text,
    class_code: text,
    quantity: amount,
    budget_won: amount,
    price_ceiling_won: orNull(amount),
    region: orNull(text),
    delivery_days_at_most: orNull(amount),
    certificate_kinds: list(text),
    sealed: text,
  },
  entry: {
    application: text,
    version: whole,
    payload_hash: text,
    judged_in: whole,
    outcome: text,
    findings_hash: text,
    tickets: amount,
    score: orNull(whole),
    drawn_under: whole,
    track: text,
    firm: whole,
    class_code: text,
    price_won: more,
    capacity: amount,
    delivery_days: amount,
    regions: list(text),
    certificates: list(text),
    position: orNull(whole),
    key: orNull(text),
    result: text,
    reason: orNull(text),
    reserve_position: orNull(whole),
    awards: list(award),
    sealed: text,
  },
  end: { records: amount, root: text, later: amount, later_root: text },
  "request's facts": { nonce: orNull(text), facts: record },
  "entry's facts": {
    nonce: orNull(text),
    facts: of({
      track: text,
      applicant: of({ business_number: text, name: text, supply_record: left(of({ won: amount, count: amount })) }),
      product: of({ name: text }),
      certificates: (value) =>
        value === undefined || list(of({ kind: text, number: text, issued_on: text, expires_on: left(text) }))(value),
    }),
    findings: list(of({ rule: text, legal_source: text, decides: yesOrNo, outcome: text })),
    marks: left(list(mark)),
  },
  RoundOpened: {
    policy,
    policy_hash: text,
    lead_seconds: amount,
    sources: list(
      of({
        source: text,
        kind: text,
        period_seconds: more,
        description: left(text),
        anchor: left(text),
        fails_after_seconds: left(amount),
        chain_hash: left(text),
      }),
    ),
  },
  frozen: { applications: manifest, requests: manifest },
  EligibilityCompleted: { verdicts: manifest },
  InputsCommitted: {
    round: text,
    epoch: more,
    applications_root: text,
    requests_root: text,
    verdicts_root: text,
    entries_root: text,
    pledges_root: text,
    policy_hash: text,
    commitment_root: text,
    committed_at: text,
    entries: amount,
    seed_epoch: left(whole),
  },
  SourceValueRecorded: {
    source: text,
    value: text,
    due_at: text,
    recorded_at: text,
    signature: left(text),
    beacon_round: left(whole),
  },
  SelectionProposed: { seed: text, selection_root: text, selected: amount, reserve: amount, not_selected: amount },
  ScoresClosed: { marks: amount, marks_root: text },
  ReleaseOpened: {
    batch: more,
    selection_root: text,
    actors: list(of({ name: text, role: text })),
    leaving: list(of({ application: text, cause: text })),
    cancelled: list(of({ request: text })),
  },
  ReleaseProposed: {
    batch: more,
    state_hash: text,
    batch_root: text,
    promoted: amount,
    changed: amount,
    withdrawn: amount,
  },
  ReleaseConfirmed: { batch: more, batch_root: text, actors: list(of({ name: text, role: text })) },
  SelectionConfirmed: { commitment_root: text, selection_root: text, actors: list(of({ name: text, role: text })) },
};

/** The record, if it has every member of that shape. */
export function shaped(name, value) {
  if (!record(value)) throw new TypeError(`${name}: no record`);
  for (const [member, is] of Object.entries(SHAPES[name])) {
    if (!is(own(value, member))) throw new TypeError(`${name}: ${member}`);
  }
  return value;
}
