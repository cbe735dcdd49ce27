// Every sentence of the page, in Korean and in English: a finding's values in, a sentence out.

const SETS = {
  applications: { en: "applications", ko: "신청" },
  requests: { en: "purchase requests", ko: "구매 요청" },
  verdicts: { en: "verdicts", ko: "판정" },
};
const ROOTS = {
  commitment: { en: "commitment", ko: "확약" },
  selection: { en: "selection", ko: "선정" },
  announcement: { en: "announcement", ko: "공고" },
  shown: { en: "shown", ko: "표시" },
};
/** What the findings come to, where they can't be of the policy. */
const OUTCOMES = {
  parked: { en: "parked, with which nothing is completed", ko: "보류: 보류된 신청이 있으면 판정이 끝나지 않습니다" },
  "no-track-of-the-policy": { en: "of no track that the policy has", ko: "기준에 없는 트랙" },
  "rules-not-of-the-track": { en: "of other rules than the track has", ko: "트랙의 심사 항목과 다른 항목" },
  "waived-not-as-the-policy-has-it": { en: "of other waivers than the policy has", ko: "기준과 다른 면제" },
};
const outcome = (value, language) => (Object.hasOwn(OUTCOMES, value) ? OUTCOMES[value][language] : value);
const BY = {
  officers: { en: "two officers", ko: "담당자 두 명" },
  clock: { en: "the clock", ko: "시계(자동)" },
  announcers: { en: "who may announce", ko: "공고할 수 있는 사람" },
  "clock-or-officers": { en: "the clock or two officers", ko: "시계(자동) 또는 담당자 두 명" },
};
const event = {
  en: (v) => (v.epoch ? `${v.event} of epoch ${v.epoch}` : v.event),
  ko: (v) => (v.epoch ? `${v.event}(${v.epoch}차)` : v.event),
};
const placed = (v) => ({ event: v.event, epoch: v.of <= 1_000_000 ? v.of : 0 });
const shown = (value) => (typeof value === "string" ? value : (JSON.stringify(value) ?? "–"));

/** [checked, differs], or one where only one of them can be. */
const FINDINGS = {
  root: {
    en: [
      (v) => `${v.size} records are those of the bundle's root ${v.root}`,
      (v) => `The bundle's root: ${v.size} records give ${v.root}, stated is ${v.stated}`,
    ],
    ko: [
      (v) => `기록 ${v.size}건이 증거 파일의 루트와 일치합니다: ${v.root}`,
      (v) => `증거 파일의 루트가 다릅니다. 기록 ${v.size}건으로 계산하면 ${v.root}, 적힌 값은 ${v.stated}입니다`,
    ],
  },
  later: {
    en: [(v) => `${v.size} events that came later are those of their root`, () => "The events that came later are not those of their root"],
    ko: [(v) => `이후의 사건 ${v.size}건이 그 루트와 일치합니다`, () => "이후의 사건들이 그 루트와 일치하지 않습니다"],
  },
  round: {
    en: [(v) => `All is of round ${v.round}`, (v) => `The bundle is of round ${v.round}, its events are of ${v.rounds.join(", ")}`],
    ko: [(v) => `모두 회차 ${v.round}의 것입니다`, (v) => `증거 파일은 회차 ${v.round}의 것인데 사건은 ${v.rounds.join(", ")}의 것입니다`],
  },
  life: {
    en: [(v) => `${v.count} events are a life that a round can have, in order and time`],
    ko: [(v) => `사건 ${v.count}건이 순서와 시각까지 회차가 거칠 수 있는 과정입니다`],
  },
  policy: {
    en: [() => "The policy is the one that was opened and committed", (v) => `The policy's hash is ${v.hash}, which is not what was opened or committed`],
    ko: [() => "기준이 개시 때 공표하고 확약한 기준과 같습니다", (v) => `기준의 해시가 개시하거나 확약한 것과 다릅니다: ${v.hash}`],
  },
  manifest: {
    en: [
      (v) => `${v.count} ${SETS[v.set].en} are those of the manifest, bucket by bucket, and of the commitment`,
      (v) => `The ${SETS[v.set].en} differ from the manifest or the commitment; buckets: ${v.buckets.join(", ") || "none"}; root: ${v.root}`,
    ],
    ko: [
      (v) => `${SETS[v.set].ko} ${v.count}건이 목록의 모든 구간과 확약에 일치합니다`,
      (v) => `목록 또는 확약과 다릅니다: ${SETS[v.set].ko}. 구간: ${v.buckets.join(", ") || "없음"}, 루트: ${v.root}`,
    ],
  },
  entries: {
    en: [() => "Outcome, tickets and score of every entry are those committed", (v) => `The entries make the root ${v.root}, committed was ${v.stated}`],
    ko: [() => "모든 신청의 판정 결과, 추첨권 수, 점수가 확약한 것과 같습니다", (v) => `신청들의 루트는 ${v.root}인데 확약한 것은 ${v.stated}입니다`],
  },
  pledges: {
    en: [
      (v) => `The pledges are those committed${v.frozen ? ", as they stood at the freeze" : ""}`,
      () => "The pledges are not those committed, or not those of the freeze",
    ],
    ko: [
      (v) => `구매 약정 금액이 확약한 것과 같습니다${v.frozen ? " (동결 때의 금액)" : ""}`,
      () => "구매 약정 금액이 확약한 것 또는 동결 때의 것과 다릅니다",
    ],
  },
  commitment: {
    en: [(v) => `The commitment of epoch ${v.epoch} is made of its roots`, (v) => `The commitment of epoch ${v.epoch}: its roots make ${v.root}, not ${v.stated}`],
    ko: [(v) => `${v.epoch}차 확약이 그 루트들로 이루어져 있습니다`, (v) => `${v.epoch}차 확약: 루트들로 계산한 값은 ${v.root}, 적힌 값은 ${v.stated}입니다`],
  },
  seed: {
    en: [
      (v) => `The seed of epoch ${v.epoch} is of the commitment of epoch ${v.main} and the source's value`,
      (v) => `The seed of epoch ${v.epoch} is ${shown(v.seed)}, not ${v.stated}`,
    ],
    ko: [
      (v) => `${v.epoch}차의 추첨 시드가 ${v.main}차 확약과 공개 난수원의 값으로 계산됩니다`,
      (v) => `${v.epoch}차의 추첨 시드: 계산한 값은 ${shown(v.seed)}, 적힌 값은 ${v.stated}입니다`,
    ],
  },
  due: {
    en: [
      (v) => `The value of ${v.source} for epoch ${v.epoch} is the first due a lead after the commitment`,
      (v) => `The value of ${v.source} for epoch ${v.epoch} was due at ${v.due}`,
    ],
    ko: [
      (v) => `${v.epoch}차에 쓴 ${v.source}의 값은 확약 뒤 정해진 간격이 지나 처음 나온 값입니다`,
      (v) => `${v.epoch}차에 쓸 ${v.source}의 값은 ${v.due}의 것이어야 합니다`,
    ],
  },
  beacon: {
    en: [
      (v) => `The value is SHA-256 of the signature of drand round ${v.number}`,
      (v) =>
        v.number === null
          ? "The source is a beacon without its genesis"
          : `The value is not SHA-256 of its signature, or not of drand round ${v.number}`,
    ],
    ko: [
      (v) => `값이 drand ${v.number}번 회차 서명의 SHA-256입니다`,
      (v) =>
        v.number === null
          ? "난수원이 시작 시각 없는 비컨입니다"
          : `값이 서명의 SHA-256이 아니거나 drand ${v.number}번 회차의 것이 아닙니다`,
    ],
  },
  rehearsed: {
    en: [() => "The value is made from the rehearsal's announced seed", () => "The value is not the one that the rehearsal's announced seed makes"],
    ko: [() => "값이 공표된 예행 시드로 만들어집니다", () => "값이 공표된 예행 시드로 만든 것이 아닙니다"],
  },
  selection: {
    en: [
      (v) => `${v.mine[0]} selected, ${v.mine[1]} in reserve, ${v.mine[2]} not: the selection root is ${v.root}`,
      (v) => `The selection comes to ${v.mine.join(", ")} with the root ${v.root}; proposed was ${v.stated.join(", ")} with ${v.statedRoot}`,
    ],
    ko: [
      (v) => `선정 ${v.mine[0]}, 예비 ${v.mine[1]}, 미선정 ${v.mine[2]}: 선정 루트는 ${v.root}입니다`,
      (v) => `다시 계산한 선정은 ${v.mine.join(", ")}, 루트 ${v.root}인데 제안된 것은 ${v.stated.join(", ")}, 루트 ${v.statedRoot}입니다`,
    ],
  },
  batch: {
    en: [
      (v) => `Batch ${v.batch} was given out again: ${v.counts[0]} promoted, ${v.counts[1]} changed, ${v.counts[2]} withdrawn; its root is ${v.root}`,
      (v) => `Batch ${v.batch} comes to ${v.counts.join(", ")} with the root ${v.root}; proposed was ${v.stated.join(", ")}`,
    ],
    ko: [
      (v) => `${v.batch}차 재배정을 다시 계산했습니다. 승격 ${v.counts[0]}, 변경 ${v.counts[1]}, 취소 ${v.counts[2]}, 루트 ${v.root}`,
      (v) => `${v.batch}차 재배정을 다시 계산하면 ${v.counts.join(", ")}, 루트 ${v.root}인데 제안된 것은 ${v.stated.join(", ")}입니다`,
    ],
  },
  "batch-opened": {
    en: [
      null,
      (v) =>
        v.proposed
          ? `Batch ${v.batch} of epoch ${v.epoch} is proposed and was not opened`
          : `Batch ${v.batch} of epoch ${v.epoch} is opened, and that before it was not proposed`,
    ],
    ko: [
      null,
      (v) =>
        v.proposed
          ? `${v.epoch}차의 재배정 ${v.batch}: 열린 적이 없는데 제안되어 있습니다`
          : `${v.epoch}차의 재배정 ${v.batch}: 앞 재배정이 제안되지 않았는데 열려 있습니다`,
    ],
  },
  "batch-confirmed": {
    en: [null, (v) => `The confirmation of epoch ${v.epoch} is of a batch or root that nobody proposed`],
    ko: [null, (v) => `${v.epoch}차의 확정: 제안된 적이 없는 재배정이나 루트에 대한 것입니다`],
  },
  "batch-named": {
    en: [
      null,
      (v) =>
        v.twice !== undefined
          ? `${v.twice} is set free in two batches`
          : `Batches set free what is not in the set: ${v.unknown.join(", ")}`,
    ],
    ko: [
      null,
      (v) =>
        v.twice !== undefined
          ? `재배정 두 번에서 풀려났습니다: ${v.twice}`
          : `재배정이 이 신청과 요청에 없는 것을 풀었습니다: ${v.unknown.join(", ")}`,
    ],
  },
  stood: {
    en: [(v) => `${v.count} stood in the draw; positions, keys, matching and reserve were computed again`],
    ko: [(v) => `추첨에 오른 ${v.count}건의 순위, 추첨 키, 배정, 예비 순위를 다시 계산했습니다`],
  },
  firms: {
    en: [(v) => `${v.numbers} firms are told apart by their business numbers`, (v) => `${v.numbers} business numbers stand as ${v.told} firms`],
    ko: [(v) => `기업 ${v.numbers}곳이 사업자등록번호로 구분되어 있습니다`, (v) => `사업자등록번호 ${v.numbers}개가 기업 ${v.told}곳으로 적혀 있습니다`],
  },
  officers: {
    en: [
      (v) => `Two officers confirmed exactly these roots: ${v.officers.join(" and ")}`,
      () => "The confirmation is not of these roots, or not by two officers",
    ],
    ko: [(v) => `담당자 두 명이 바로 이 루트들을 확정했습니다: ${v.officers.join(", ")}`, () => "확정이 이 루트들에 대한 것이 아니거나, 두 명이 한 것이 아닙니다"],
  },

  held: {
    en: [
      (v) => `The ${ROOTS[v.name].en} root is one you hold, ${v.stated}`,
      (v) => `The ${ROOTS[v.name].en} root is ${v.stated}, which is none that you hold`,
    ],
    ko: [
      (v) => `${ROOTS[v.name].ko} 루트가 가지고 계신 것입니다: ${v.stated}`,
      (v) => `${ROOTS[v.name].ko} 루트는 ${v.stated}인데 가지고 계신 것 가운데 없습니다`,
    ],
  },
  "held-more": {
    en: [null, (v) => `You hold the ${ROOTS[v.name].en} root ${v.root}, which the bundle has not`],
    ko: [null, (v) => `가지고 계신 ${ROOTS[v.name].ko} 루트가 증거 파일에 없습니다: ${v.root}`],
  },
  shown: {
    en: [
      (v) => `Names, offers and requests are those shown at the proposal: ${v.root}`,
      (v) => `Names, offers and requests make the root ${v.root}, proposed was ${v.stated}`,
    ],
    ko: [
      (v) => `이름, 공급 조건, 구매 요청이 선정안에 표시된 것과 같습니다: ${v.root}`,
      (v) => `이름, 공급 조건, 구매 요청으로 계산한 루트는 ${v.root}인데 선정안의 것은 ${v.stated}입니다`,
    ],
  },

  "not-canonical": {
    en: [null, () => "It is not written as canonical JSON (RFC 8785), one record a line"],
    ko: [null, () => "정규 JSON(RFC 8785)으로 한 줄에 한 기록씩 적혀 있지 않습니다"],
  },
  "no-json": { en: [null, () => "It is no JSON"], ko: [null, () => "JSON이 아닙니다"] },
  "no-record": { en: [null, () => "It is no record"], ko: [null, () => "기록이 아닙니다"] },
  "no-head": {
    en: [null, (v) => `The first line is no head of a bundle of format ${v.formats.join(" or ")}`],
    ko: [null, (v) => `첫 줄이 ${v.formats.join(", ")} 형식의 머리가 아닙니다`],
  },
  "line-long": {
    en: [null, (v) => `It is longer than ${v.most} octets`],
    ko: [null, (v) => `줄이 ${v.most}바이트보다 깁니다`],
  },
  "after-end": { en: [null, () => "It is the end, and something follows"], ko: [null, () => "끝 줄인데 뒤에 무엇인가 더 있습니다"] },
  "cut-off": { en: [null, () => "The bundle has no end: it was cut off"], ko: [null, () => "증거 파일에 끝 줄이 없습니다. 중간에 잘렸습니다"] },
  "event-foreign": {
    en: [null, (v) => `${v.event} is none of the events that the format has`],
    ko: [null, (v) => `${v.event}: 형식에 없는 사건입니다`],
  },
  "event-place": {
    en: [
      null,
      (v) =>
        v.before
          ? `${event.en(placed(v))} has no place before the proposal of epoch ${v.epoch}`
          : `${event.en(placed(v))} stands behind the entries, and led to the proposal`,
    ],
    ko: [
      null,
      (v) =>
        v.before
          ? `${event.ko(placed(v))}: ${v.epoch}차 선정안보다 앞에 있을 수 없습니다`
          : `${event.ko(placed(v))}: 선정안에 이르는 사건인데 신청들 뒤에 있습니다`,
    ],
  },
  "event-twice": {
    en: [null, (v) => `${event.en(placed(v))} stands twice`],
    ko: [null, (v) => `${event.ko(placed(v))}: 두 번 적혀 있습니다`],
  },
  "event-order": {
    en: [null, (v) => `${event.en(placed(v))} stands after what it comes before`],
    ko: [null, (v) => `${event.ko(placed(v))}: 제 순서에 있지 않습니다`],
  },
  "event-epoch": {
    en: [null, (v) => `${event.en(v)} follows on epoch ${v.opened}`],
    ko: [null, (v) => `${event.ko(v)}: ${v.opened}차에 이어질 수 없습니다`],
  },
  "event-state": {
    en: [null, (v) => `${event.en(v)} comes where the round is ${v.state}`],
    ko: [null, (v) => `${event.ko(v)}: 회차의 상태가 ${v.state}일 때 올 수 없습니다`],
  },
  "by-whom": {
    en: [null, (v) => `${event.en(v)} is no act of ${BY[v.by].en}`],
    ko: [null, (v) => `${event.ko(v)}: 이 일을 할 수 있는 것은 ${BY[v.by].ko}뿐입니다`],
  },
  disagrees: {
    en: [null, (v) => `${event.en(v)} says another ${v.own} than ${v.which}`],
    ko: [null, (v) => `${event.ko(v)}: ${v.own} 값이 ${v.which}의 것과 다릅니다`],
  },
  time: {
    en: [null, (v) => `${event.en(v)} states ${v.name} ${v.at}, which is before ${v.which}`],
    ko: [null, (v) => `${event.ko(v)}: ${v.name} ${v.at}, 앞서야 할 ${v.which}보다 이릅니다`],
  },
  window: {
    en: [null, (v) => `${v.event} has a window that closes before it opens`],
    ko: [null, (v) => `${v.event}: 접수 기간이 시작하기 전에 끝납니다`],
  },
  "announcement-root": {
    en: [null, (v) => `The announcement_root of ${v.event} is not of what it announces`],
    ko: [null, (v) => `${v.event}: announcement_root가 공고한 내용의 것이 아닙니다`],
  },
  version: {
    en: [null, (v) => `${event.en(v)} has no ${v.lacks}, as this version of the format has it`],
    ko: [null, (v) => `${event.ko(v)}: 이 형식에 있어야 할 ${v.lacks} 값이 없습니다`],
  },
  amendment: {
    en: [null, (v) => `Amendment ${v.amendment} is not there`],
    ko: [null, (v) => `${v.amendment}번째 변경 공고가 없습니다`],
  },
  extension: {
    en: [null, (v) => `The close is ${v.to}, which does not follow on ${v.before}`],
    ko: [null, (v) => `마감 ${v.to}: 앞의 마감 ${v.before}에 이어지지 않습니다`],
  },
  "manifest-sum": {
    en: [null, (v) => `The manifest ${v.set} of ${v.event} is not the sum of its buckets`],
    ko: [null, (v) => `${v.event}의 ${v.set} 목록이 그 구간들의 합이 아닙니다`],
  },
  counts: {
    en: [null, (v) => `The counts of ${event.en(v)} are not those of what it counts`],
    ko: [null, (v) => `${event.ko(v)}: 적힌 건수가 실제 건수와 다릅니다`],
  },
  "pledges-moved": {
    en: [null, (v) => `The pledges of epoch ${v.epoch} are not those committed first`],
    ko: [null, (v) => `${v.epoch}차의 구매 약정이 처음 확약한 것과 다릅니다`],
  },
  "pledges-order": {
    en: [null, () => "The pledges don't stand in order, each once"],
    ko: [null, () => "구매 약정이 순서대로 한 번씩 적혀 있지 않습니다"],
  },
  "supplementary-count": {
    en: [null, (v) => `${v.mine} draw apart in this epoch, committed were ${shown(v.stated)}`],
    ko: [null, (v) => `이 차수에 따로 추첨하는 신청은 ${v.mine}건인데 확약에는 ${shown(v.stated)}건입니다`],
  },
  "value-form": {
    en: [null, (v) => `The value ${v.value} of ${v.source} has not the form of its source`],
    ko: [null, (v) => `${v.source}의 값 ${v.value}: 그 난수원의 형식이 아닙니다`],
  },
  pattern: {
    en: [null, (v) => `The number_pattern of ${v.kind} is none of the patterns that the format has`],
    ko: [null, (v) => `${v.kind}의 번호 형식(number_pattern)이 쓸 수 있는 형식이 아닙니다`],
  },
  "lacks-event": {
    en: [null, (v) => `The bundle lacks an event of the round: ${event.en(placed(v))}`],
    ko: [null, (v) => `증거 파일에 회차의 사건이 빠져 있습니다: ${event.ko(placed(v))}`],
  },
  "no-pledges": {
    en: [null, () => "The bundle has no pledges, and so nothing that was committed"],
    ko: [null, () => "증거 파일에 구매 약정이 없어 확약한 것도 없습니다"],
  },
  "no-type": {
    en: [null, (v) => `There is no record of type ${v.type}`],
    ko: [null, (v) => `그런 기록 종류는 없습니다: ${v.type}`],
  },
  "no-place": {
    en: [null, (v) => `A record of type ${v.type} has no place after those of ${v.after}`],
    ko: [null, (v) => `${v.type} 기록은 ${v.after} 기록 뒤에 올 수 없습니다`],
  },
  "before-pledges": {
    en: [null, (v) => `A record of type ${v.type} comes before the pledges`],
    ko: [null, (v) => `${v.type} 기록이 구매 약정보다 먼저 나옵니다`],
  },
  "nothing-opened": {
    en: [null, () => "The auditor's depth has nothing opened here"],
    ko: [null, () => "감사용인데 여기에 공개된 내용이 없습니다"],
  },
  opened: { en: [null, () => "The public depth opens nothing"], ko: [null, () => "공개용인데 봉인된 내용이 열려 있습니다"] },
  "not-sealed": { en: [null, () => "What is opened is not what was sealed"], ko: [null, () => "공개된 내용이 봉인된 것과 다릅니다"] },
  marks: {
    en: [
      (v) => `The panel's ${v.count} marks are those two officers closed`,
      (v) => `The panel's marks make the root ${v.root}, closed was ${v.stated}`,
    ],
    ko: [
      (v) => `평가위원의 평점 ${v.count}건이 담당자 두 명이 마감한 것과 같습니다`,
      (v) => `평가위원의 평점으로 계산한 루트는 ${v.root}인데 마감된 것은 ${v.stated}입니다`,
    ],
  },
  "not-closed": {
    en: [null, (v) => `Nobody closed the panel's marks before the commitment of epoch ${v.epoch}`],
    ko: [null, (v) => `${v.epoch}차 확약 전에 아무도 평가위원의 평점을 마감하지 않았습니다`],
  },
  score: {
    en: [null, (v) => `${v.identifier}: marks and record give it ${shown(v.mine)} points, not ${shown(v.stated)}`],
    ko: [null, (v) => `${v.identifier}: 평점과 실적에 따르면 ${shown(v.mine)}점이고 ${shown(v.stated)}점이 아닙니다`],
  },
  order: {
    en: [null, (v) => `${v.identifier} does not stand in order, or stands twice`],
    ko: [null, (v) => `순서에 맞지 않거나 두 번 있습니다: ${v.identifier}`],
  },
  institution: {
    en: [null, (v) => `${v.identifier} is no request of ${v.institution}`],
    ko: [null, (v) => `${v.identifier}: ${v.institution}의 구매 요청이 아닙니다`],
  },
  "judged-in": {
    en: [null, (v) => `${v.identifier} was to be judged in epoch ${v.mine}, not ${v.stated}`],
    ko: [null, (v) => `${v.identifier}: ${v.stated}차가 아니라 ${v.mine}차에 판정될 것이었습니다`],
  },
  "names-shown": {
    en: [null, () => "Names stand of who is selected, both, and of nobody else"],
    ko: [null, () => "이름은 선정된 곳만, 기업과 제품 둘 다 적습니다"],
  },
  "payload-hash": {
    en: [null, (v) => `${v.identifier}: payload_hash is not of these facts`],
    ko: [null, (v) => `${v.identifier}: payload_hash가 이 사실의 해시가 아닙니다`],
  },
  "findings-hash": {
    en: [null, (v) => `${v.identifier}: findings_hash is not of these findings`],
    ko: [null, (v) => `${v.identifier}: findings_hash가 이 심사 내용의 해시가 아닙니다`],
  },
  outcome: {
    en: [null, (v) => `${v.identifier}: these findings do not make it ${v.stated}, but ${outcome(v.mine, "en")}`],
    ko: [null, (v) => `${v.identifier}: 적힌 결과는 ${v.stated}, 심사 내용에 따른 결과는 ${outcome(v.mine, "ko")}`],
  },
  tickets: {
    en: [null, (v) => `${v.identifier}: the policy's steps give it ${shown(v.mine)} tickets, not ${v.stated}`],
    ko: [null, (v) => `${v.identifier}: 기준에 따르면 추첨권은 ${shown(v.mine)}장이고 ${v.stated}장이 아닙니다`],
  },
  offer: {
    en: [null, (v) => `${v.identifier}: ${v.name} is ${shown(v.mine)} in the facts, ${shown(v.stated)} here`],
    ko: [null, (v) => `${v.identifier}: ${v.name}의 값은 사실에는 ${shown(v.mine)}, 여기에는 ${shown(v.stated)}입니다`],
  },
  "request-certificates": {
    en: [null, (v) => `${v.identifier}: certificate_kinds are not those of the facts`],
    ko: [null, (v) => `${v.identifier}: certificate_kinds가 사실과 다릅니다`],
  },
  names: { en: [null, (v) => `${v.identifier}: the names are not those of the facts`], ko: [null, (v) => `${v.identifier}: 이름이 사실과 다릅니다`] },
  aside: {
    en: [null, (v) => `${v.identifier} does not stand in the draw: it is ${v.reason}`],
    ko: [null, (v) => `${v.identifier}: 추첨에 오르지 않습니다 (${v.reason})`],
  },
  "seed-epoch": {
    en: [null, (v) => `The seed is of the first commitment, epoch ${v.epoch}, not of ${v.stated}`],
    ko: [null, (v) => `시드는 ${v.stated}차가 아니라 첫 확약인 ${v.epoch}차의 것입니다`],
  },
  supplementary: {
    en: [null, (v) => `The value of epoch ${v.epoch} is not of the source announced for it, or nobody draws with it`],
    ko: [null, (v) => `${v.epoch}차의 값이 그 차수에 공고된 난수원의 것이 아니거나, 그 값으로 추첨하는 신청이 없습니다`],
  },
  "first-commitment": {
    en: [(v) => `That nothing was committed before epoch ${v.epoch}: milestones.v1 would have it`],
    ko: [(v) => `${v.epoch}차 전에 확약이 없었는지: milestones.v1에 있습니다`],
  },
  "drawn-under": {
    en: [null, (v) => `${v.identifier} draws under epoch ${v.under}, not ${v.stated}`],
    ko: [null, (v) => `${v.identifier}: ${v.stated}차가 아니라 ${v.under}차로 추첨합니다`],
  },
  "no-seed": {
    en: [
      null,
      (v) =>
        v.identifier === undefined
          ? `The proposal of epoch ${v.epoch} has no value that decided it`
          : `${v.identifier} draws under epoch ${v.epoch}, which has no seed`,
    ],
    ko: [
      null,
      (v) =>
        v.identifier === undefined
          ? `${v.epoch}차 선정안을 정한 난수원의 값이 없습니다`
          : `${v.identifier}: 시드가 없는 ${v.epoch}차로 추첨합니다`,
    ],
  },
  "verdicts-moved": {
    en: [null, (v) => `Verdicts of epoch ${v.epoch} are others, and nobody judged them again`],
    ko: [null, (v) => `${v.epoch}차의 판정이 달라졌는데 다시 심사된 것이 아닙니다`],
  },
  "judge-again": {
    en: [null, (v) => `Who epoch ${v.epoch} judges again stands in no order, or is not all it admits and amends`],
    ko: [null, (v) => `${v.epoch}차에 다시 심사할 신청: 순서에 맞지 않거나, 받아들이거나 고친 신청이 빠져 있습니다`],
  },
  "set-moved": {
    en: [null, (v) => `The set of epoch ${v.epoch} is not that of the epoch before and what its act did to it`],
    ko: [null, (v) => `${v.epoch}차의 신청 목록이 앞 차수의 목록과 그 결정에서 나오지 않습니다`],
  },
  amended: {
    en: [null, (v) => `${v.identifier} is amended to another version than ${v.version}`],
    ko: [null, (v) => `${v.identifier}: 고친 버전과 다릅니다 (적힌 버전 ${v.version})`],
  },
  key: { en: [null, (v) => `The draw key of ${v.identifier} is ${v.key}`], ko: [null, (v) => `${v.identifier}의 추첨 키는 ${v.key}입니다`] },
  "no-source": {
    en: [null, (v) => `The value of epoch ${v.epoch} is of no announced source, or of no commitment`],
    ko: [null, (v) => `${v.epoch}차의 값이 공고된 난수원의 것이 아니거나 확약이 없습니다`],
  },
  position: {
    en: [null, (v) => `${v.identifier} stands at ${v.mine}, not at ${shown(v.stated)}`],
    ko: [null, (v) => `${v.identifier}의 순위: 계산한 순위는 ${v.mine}, 적힌 순위는 ${shown(v.stated)}입니다`],
  },
  placement: {
    en: [null, (v) => `${v.identifier} comes to ${shown(v.mine)}, not to ${shown(v.stated)}`],
    ko: [null, (v) => `${v.identifier}의 결과: 계산한 결과는 ${shown(v.mine)}, 적힌 결과는 ${shown(v.stated)}입니다`],
  },
  "one-number": {
    en: [null, (v) => `One business number stands as firms ${v.firms.join(", ")}`],
    ko: [null, (v) => `한 사업자등록번호가 여러 기업으로 적혀 있습니다: ${v.firms.join(", ")}`],
  },
  malformed: {
    en: [
      null,
      (v) => {
        if (v.told !== undefined) return `A record is not as the format has it: ${v.told}`;
        if (v.lacks !== undefined) return `${v.path}: ${v.lacks} is not there`;
        if (v.unknown !== undefined) return `${v.path}: ${v.unknown} is no member of it`;
        return `${v.path} is ${v.value}, which is no ${v.kind}`;
      },
    ],
    ko: [
      null,
      (v) => {
        if (v.told !== undefined) return `기록이 형식에 맞지 않습니다: ${v.told}`;
        if (v.lacks !== undefined) return `${v.path}: ${v.lacks} 항목이 없습니다`;
        if (v.unknown !== undefined) return `${v.path}: 형식에 없는 항목입니다 (${v.unknown})`;
        return `${v.path}: ${v.kind} 형식의 값이 아닙니다 (${v.value})`;
      },
    ],
  },

  published: {
    en: [
      (v) =>
        `That ${v.stated} is the ${ROOTS[v.name].en} root that was published then: compare it with a copy of your own, ` +
        "such as an institution's RoundNoticed, in the field above",
    ],
    ko: [
      (v) =>
        `당시 공표된 ${ROOTS[v.name].ko} 루트가 ${v.stated}인지: 기관이 받은 RoundNoticed처럼 직접 가지고 계신 사본을 위 칸에 넣어 견주어 보십시오`,
    ],
  },
  rehearsal: {
    en: [() => "Chance: this is a rehearsal, whose source is made from its announced seed"],
    ko: [() => "우연성: 예행이므로 난수원이 공표된 시드로 만들어졌습니다"],
  },
  "source-value": {
    en: [(v) => `That ${v.name} gave ${v.stated} at ${v.at}: look it up where it is published (${v.description})`],
    ko: [(v) => `${v.name}의 ${v.at} 값이 ${v.stated}인지: 발표되는 곳에서 확인하십시오 (${v.description})`],
  },
  "beacon-signature": {
    en: [(v) => `The signature itself (BLS): round ${v.number} of chain ${v.chain} has it at any drand node`],
    ko: [(v) => `서명 자체(BLS): 체인 ${v.chain}의 ${v.number}번 회차를 아무 drand 노드에서나 볼 수 있습니다`],
  },
  "failed-before": {
    en: [(v) => `That ${v.source}, which stands before it, gave no value in time`],
    ko: [(v) => `앞 순위의 난수원이 제때 값을 내지 않았는지: ${v.source}`],
  },
  "batch-not-proposed": {
    en: [(v) => `Batch ${v.batch}, which is opened and not proposed yet`],
    ko: [(v) => `${v.batch}차 재배정: 열렸으나 아직 제안되지 않았습니다`],
  },
  "batch-not-confirmed": {
    en: [(v) => `That officers confirmed batch ${v.batch}: the bundle has no confirmation`],
    ko: [(v) => `${v.batch}차 재배정을 담당자가 확정했는지: 증거 파일에 확정이 없습니다`],
  },
  "no-confirmation": {
    en: [() => "That officers confirmed it: the bundle has no confirmation of this epoch"],
    ko: [() => "담당자가 확정했는지: 이 차수의 확정이 증거 파일에 없습니다"],
  },
  "public-depth": {
    en: [() => "That outcomes, tickets and offers follow from what firms stated: the auditor's depth opens that"],
    ko: [() => "판정 결과, 추첨권 수, 공급 조건이 기업이 적은 내용에서 나오는지: 감사용 증거 파일에서 볼 수 있습니다"],
  },
  "pledges-frozen": {
    en: [() => "That the pledges are those of the freeze: its event states none"],
    ko: [() => "구매 약정 금액이 동결 때의 것인지: 동결 사건에 적혀 있지 않습니다"],
  },
  "not-shown": {
    en: [
      () =>
        "The names of the selected, offers and requests as they are shown: this version of the format has no root over " +
        "them; the auditor's depth holds them against what was stated",
    ],
    ko: [
      () =>
        "표시된 이름, 공급 조건, 구매 요청: 이 형식에는 이들의 루트가 없습니다. 감사용 증거 파일은 적어 낸 내용과 견줍니다",
    ],
  },
  "findings-follow": {
    en: [() => "That each finding follows from the facts: firstbuy simulate judges them again"],
    ko: [() => "심사 내용 하나하나가 사실에서 나오는지: firstbuy simulate가 다시 심사합니다"],
  },
  "marks-sealed": {
    en: [() => "The panel's marks, which the scores are made of: the auditor's depth opens them"],
    ko: [() => "점수의 바탕이 된 평가위원의 평점: 감사용 증거 파일에서 볼 수 있습니다"],
  },
  "marks-more": {
    en: [null, (v) => `${v.count} marks are opened, ${v.closed} were closed`],
    ko: [null, (v) => `마감된 평점은 ${v.closed}건인데 ${v.count}건이 열려 있습니다`],
  },
  "marks-partly": {
    en: [(v) => `The root of the ${v.closed} marks closed: ${v.count} are of applications in the set`],
    ko: [(v) => `마감된 평점 ${v.closed}건의 루트: 그중 ${v.count}건이 이 신청들의 것입니다`],
  },
  "later-tickets": {
    en: [() => "That tickets of later epochs are the least of what was judged before: earlier bundles show those"],
    ko: [() => "뒤 차수의 추첨권 수가 앞서 판정된 것 중 가장 적은지: 앞 차수의 증거 파일에 나와 있습니다"],
  },
  "stated-true": {
    en: [() => "That what firms and institutions stated is true"],
    ko: [() => "기업과 기관이 적은 내용이 사실인지"],
  },
};

/** The sentence of a finding, with the line it is about. */
export function say(finding, language, differs) {
  const told = FINDINGS[finding.what][language][differs ? 1 : 0](finding);
  if (finding.line === undefined) return told;
  return language === "ko" ? `${finding.line}번째 줄: ${told}` : `Line ${finding.line}: ${told}`;
}

export const PAGE = {
  title: { en: "Check a round's result", ko: "회차 결과 검증" },
  about: {
    en:
      "This page reads the evidence of the result and computes everything again in your browser: every root, the seed, " +
      "the draw and the matching. Nothing you enter or open leaves your machine.",
    ko:
      "이 페이지는 결과의 증거 파일을 읽어 모든 루트, 시드, 추첨, 배정을 지금 쓰고 계신 브라우저에서 다시 계산합니다. " +
      "입력하거나 연 것은 이 컴퓨터를 벗어나지 않습니다.",
  },
  doubt: {
    en: "You need not trust this page either: the same is checked by one Python file, or by a verifier of your own.",
    ko: "이 페이지를 믿지 않으셔도 됩니다. 같은 검증을 파이썬 파일 하나로, 또는 직접 만든 검증기로 할 수 있습니다.",
  },
  script: { en: "verify.py", ko: "verify.py" },
  bundle: { en: "the evidence", ko: "증거 파일" },
  hold: { en: "Roots you hold (optional)", ko: "가지고 계신 루트 (선택)" },
  commitment: { en: "Commitment root, of every epoch", ko: "확약 루트 (모든 차수)" },
  selection: { en: "Selection root", ko: "선정 루트" },
  announcement: { en: "Announcement root", ko: "공고 루트" },
  shown: { en: "Shown root", ko: "표시 루트" },
  rootForm: { en: "64 characters 0–9, a–f; several apart by blanks", ko: "0–9, a–f로 된 64자. 여럿이면 빈칸으로 나눕니다" },
  badRoot: { en: "A root is 64 characters 0–9, a–f.", ko: "루트는 0–9, a–f로 된 64자입니다." },
  published: { en: "Check the published evidence", ko: "공표된 증거 검증" },
  file: { en: "Or check a file of yours, such as the auditor's bundle (it is not uploaded)", ko: "또는 감사용 증거 파일처럼 가지고 계신 파일 검증 (올려 보내지 않습니다)" },
  progress: { en: "Progress", ko: "진행" },
  find: { en: "Find an application", ko: "내 신청 찾기" },
  findAbout: {
    en:
      "Enter the application's id, or open your receipt, or drop it here: the evidence is read in this browser, and the " +
      "page says where the application stands. Neither id nor receipt is sent anywhere.",
    ko:
      "신청 번호를 넣거나 접수증 파일을 열거나 여기에 끌어다 놓으십시오. 이 브라우저에서 증거 파일을 읽어 신청이 어디에 있는지 알려 드립니다. " +
      "번호도 접수증도 어디로도 보내지 않습니다.",
  },
  sought: { en: "Application id", ko: "신청 번호" },
  look: { en: "Find", ko: "찾기" },
  receipt: { en: "Or your receipt (JSON)", ko: "또는 접수증 파일 (JSON)" },
  findings: { en: "What was checked", ko: "검증 내용" },
  differs: { en: "✗ Differs", ko: "✗ 다름" },
  checked: { en: "✓ Checked", ko: "✓ 확인" },
  notChecked: { en: "– Not checked, and can't be here", ko: "– 확인하지 않음 (여기서는 할 수 없음)" },
  results: { en: "Results as the bundle states them", ko: "증거 파일에 적힌 결과" },
  position: { en: "Position", ko: "순위" },
  product: { en: "Product", ko: "제품" },
  request: { en: "Institution / request", ko: "기관 / 구매 요청" },
  won: { en: "Won", ko: "금액(원)" },
  more: { en: "Show more", ko: "더 보기" },
  nobody: { en: "Nobody was selected.", ko: "선정된 제품이 없습니다." },
};

const LINES = { en: (count) => `${count.toLocaleString("en")} lines read`, ko: (count) => `${count.toLocaleString("ko")}줄 읽음` };
const DEPTHS = { public: { en: "public", ko: "공개용" }, auditor: { en: "auditor's", ko: "감사용" }, unknown: { en: "unknown", ko: "알 수 없음" } };

const told = {
  en: (v) => `${v.lines.toLocaleString("en")} lines, ${DEPTHS[v.depth].en} depth, round ${v.round}, epoch ${v.epoch}`,
  ko: (v) => `${v.lines.toLocaleString("ko")}줄, ${DEPTHS[v.depth].ko}, 회차 ${v.round}, ${v.epoch}차`,
};

/** What the page says of the check as a whole. */
export const STATUS = {
  reading: { en: () => "Reading and checking…", ko: () => "읽고 검증하는 중…" },
  lines: { en: (v) => LINES.en(v.lines), ko: (v) => LINES.ko(v.lines) },
  unconfirmed: {
    en: (v) => `Nothing differs, and nobody confirmed it: ${told.en(v)}. It is a proposal, or not a result yet.`,
    ko: (v) => `다른 점은 없으나 아무도 확정하지 않았습니다: ${told.ko(v)}. 제안이거나 아직 결과가 아닙니다.`,
  },
  voided: {
    en: (v) => `Nothing differs, and the round was ended without a result: ${told.en(v)}.`,
    ko: (v) => `다른 점은 없으나 결과 없이 끝난 회차입니다: ${told.ko(v)}.`,
  },
  right: {
    en: (v) => `Nothing differs, and two officers confirmed it: ${told.en(v)}.`,
    ko: (v) => `다른 점이 없고 담당자 두 명이 확정했습니다: ${told.ko(v)}.`,
  },
  wrong: {
    en: (v) => `It differs in ${v.count} places, listed below.`,
    ko: (v) => `${v.count}곳이 다릅니다. 아래에 적었습니다.`,
  },
  404: {
    en: (v) => `There is no evidence of that name. The service says: ${v.told}`,
    ko: (v) => `그런 증거가 없습니다. 서비스의 답: ${v.told}`,
  },
  409: {
    en: (v) => `There is nothing to check yet: the result is not confirmed. The service says: ${v.told}`,
    ko: (v) => `아직 확정된 결과가 없어 검증할 것이 없습니다. 서비스의 답: ${v.told}`,
  },
  refused: {
    en: (v) => `The evidence could not be had (status ${v.status}). Try again later. The service says: ${v.told}`,
    ko: (v) => `증거 파일을 받지 못했습니다(상태 ${v.status}). 나중에 다시 해 보십시오. 서비스의 답: ${v.told}`,
  },
  broken: {
    en: () => "The evidence could not be read to its end: the connection or the file failed. Try again.",
    ko: () => "증거 파일을 끝까지 읽지 못했습니다. 연결이나 파일에 문제가 있습니다. 다시 해 보십시오.",
  },
  failed: {
    en: (v) => `The check itself failed, which says nothing of the result: ${v.told}. Use verify.py.`,
    ko: (v) => `검증 자체가 실패했습니다. 결과에 대해서는 아무것도 말하지 않습니다: ${v.told}. verify.py를 쓰십시오.`,
  },
};

/** Of a file that was opened on another round's page. */
export const ELSEWHERE = {
  en: (v) => `This file is of another round than this page: ${v.title ?? ""} (${v.round})`,
  ko: (v) => `이 파일은 이 페이지와 다른 회차의 것입니다: ${v.title ?? ""} (${v.round})`,
};

export const MORE = {
  en: (count) => `and ${count.toLocaleString("en")} more`,
  ko: (count) => `그 밖에 ${count.toLocaleString("ko")}건 더`,
};
