// Where one application stands, in words. Of the auditor's depth no more is said than the public one has.

const LONGEST_ID = 200; // with what stands around it in a mail
const ID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i;

/** What somebody looks for, out of an id as it was pasted or a receipt's JSON: {application, …} or null.
 * Of several receipts of one application the newest counts. */
export function soughtOf(text) {
  let stated;
  try {
    stated = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch {
    const id = text.length > LONGEST_ID ? null : ID.exec(text);
    return id && { application: id[0].toLowerCase() };
  }
  const receipts = [stated].flat().filter((one) => typeof one?.application === "string" && ID.test(one.application));
  if (!receipts.length) return null;
  const newest = receipts.reduce((one, other) => (other.version > one.version ? other : one));
  const { application, round, version, payload_hash: payload, withdrawn } = newest;
  return { application: application.toLowerCase(), round, version, payload, withdrawn: withdrawn === true };
}

/** What a report knows of an application. */
export function standingOf(report, application) {
  const entry = report.entries.get(application);
  const named = (awards) =>
    awards.map(([request, quantity, won]) => ({ request, quantity, won, institution: report.institutions.get(request) ?? "" }));
  const found = {
    application,
    round: report.round,
    epoch: report.epoch,
    whole: report.whole,
    differs: report.count,
    confirmed: report.confirmed,
    listed: report.checked.some(({ what, set }) => what === "manifest" && set === "applications"),
    count: report.entries.size,
    stood: [...report.entries.values()].filter(({ position }) => position !== null).length,
  };
  if (entry === undefined) return found;
  const { version, payload_hash: payload, outcome, tickets, score, position, result, reason, reserve_position, product } = entry;
  const since = report.batches
    .filter(({ changed }) => changed.has(application))
    .map(({ batch, confirmed, changed }) => {
      const { result, reason, awards } = changed.get(application);
      return { batch, confirmed, result, reason, awards: named(awards) };
    });
  return {
    ...found,
    entry: { version, payload, outcome, tickets, score, position, result, reason, reserve: reserve_position, product, awards: named(entry.awards) },
    since,
  };
}

const REASONS = {
  ineligible: { en: "it does not meet the conditions, or had no ticket", ko: "조건을 갖추지 못했거나 추첨권이 없었습니다" },
  "below-threshold": { en: "its score is below the least one that counts", ko: "점수가 기준 점수에 미치지 못했습니다" },
  "no-demand": { en: "no purchase request that it meets had money left at its turn", ko: "차례가 왔을 때 조건과 남은 예산이 맞는 구매 요청이 없었습니다" },
  "firm-limit": { en: "its firm has as many places as one firm may have", ko: "한 기업이 선정될 수 있는 수를 이미 채웠습니다" },
  "reserve-full": { en: "its turn came when the reserve was full", ko: "차례가 왔을 때 예비 명단이 모두 찼습니다" },
  "given-up": { en: "its firm gave its place up", ko: "기업이 자리를 포기했습니다" },
  declined: { en: "two officers declined it", ko: "담당자 두 명이 선정을 거절했습니다" },
};
const OUTCOMES = {
  eligible: { en: "It met the conditions.", ko: "심사 결과: 조건을 갖추었습니다." },
  ineligible: { en: "It did not meet the conditions.", ko: "심사 결과: 조건을 갖추지 못했습니다." },
};

const SENTENCES = {
  unreadable: {
    en: () => "This is neither an application's id nor a receipt. An id looks like f1bc79b0-1c2d-4e5f-8a9b-0123456789ab.",
    ko: () => "신청 번호도 접수증도 아닙니다. 신청 번호는 f1bc79b0-1c2d-4e5f-8a9b-0123456789ab처럼 생겼습니다.",
  },
  searching: { en: () => "The evidence is being read first…", ko: () => "먼저 증거 파일을 읽는 중…" },
  nothing: {
    en: () => "There is no evidence to look in: the check above says why.",
    ko: () => "찾아볼 증거 파일이 없습니다. 까닭은 위 검증 결과에 있습니다.",
  },
  selected: { en: () => "Selected", ko: () => "선정" },
  reserve: { en: (v) => `In reserve, at place ${v.reserve}`, ko: (v) => `예비 ${v.reserve}번` },
  "not-selected": { en: () => "Not selected", ko: () => "미선정" },
  absent: { en: () => "Not in this evidence", ko: () => "이 증거 파일에 없음" },
  cut: { en: () => "Nothing can be said", ko: () => "알 수 없음" },
  "not-there": {
    en: (v) => `Application ${v.application} is none of the ${v.count} applications of round ${v.round}, epoch ${v.epoch}, and so not in the manifest.`,
    ko: (v) => `회차 ${v.round}, ${v.epoch}차의 신청 ${v.count}건 가운데 없고, 따라서 목록에도 없습니다: 신청 ${v.application}`,
  },
  why: {
    en: () =>
      "It was withdrawn before the close, came after it, belongs to another round, or its id is mistyped. " +
      "With a signed receipt that says otherwise, ask for its proof.",
    ko: () =>
      "마감 전에 취하했거나, 마감 뒤에 왔거나, 다른 회차의 신청이거나, 번호가 잘못 적혔습니다. " +
      "서명된 접수증이 이와 다르게 말하면 포함 증명을 요청하십시오.",
  },
  "cut-off": {
    en: (v) => `The evidence could not be read to its end, so nothing is known of application ${v.application}.`,
    ko: (v) => `증거 파일을 끝까지 읽지 못해 알 수 없습니다: 신청 ${v.application}`,
  },
  withdrawn: { en: () => "Your receipt says that it was withdrawn.", ko: () => "가지고 계신 접수증에는 취하한 것으로 적혀 있습니다." },
  "other-round": {
    en: (v) => `Your receipt is of round ${v.stated}; this evidence is of round ${v.round}.`,
    ko: (v) => `접수증의 회차는 ${v.stated}, 이 증거 파일의 회차는 ${v.round}입니다.`,
  },
  differing: {
    en: (v) => `The check found ${v.differs} differences: what follows is what the evidence states, not what was computed again.`,
    ko: (v) => `검증에서 ${v.differs}곳이 달랐습니다. 아래는 증거 파일에 적힌 것이고 다시 계산한 것이 아닙니다.`,
  },
  unconfirmed: {
    en: () => "This evidence has no confirmation by two officers: what follows is a proposal, or was not to count in the end.",
    ko: () => "이 증거 파일에는 담당자 두 명의 확정이 없습니다. 아래는 제안일 뿐이거나 끝내 효력이 없게 된 것입니다.",
  },
  manifest: {
    en: (v) => `Application ${v.application} is in the manifest of the ${v.count} applications of epoch ${v.epoch}, as version ${v.version}.`,
    ko: (v) => `${v.epoch}차 신청 ${v.count}건의 목록에 있습니다: 신청 ${v.application}, 버전 ${v.version}.`,
  },
  "no-manifest": {
    en: (v) => `Application ${v.application} stands in the evidence as version ${v.version}, but the applications there are not those of the manifest.`,
    ko: (v) => `증거 파일에 있으나 그 신청들이 목록과 다릅니다: 신청 ${v.application}, 버전 ${v.version}.`,
  },
  "same-hash": { en: () => "✓ It is exactly what your receipt states: version and hash are the same.", ko: () => "✓ 접수증의 버전과 해시가 이것과 같습니다." },
  "other-hash": {
    en: (v) => `✗ Your receipt of this version has the hash ${v.stated}, here it is ${v.mine}.`,
    ko: (v) => `✗ 같은 버전인데 접수증의 해시는 ${v.stated}, 여기의 해시는 ${v.mine}입니다.`,
  },
  "other-version": {
    en: (v) => `Your receipt is of version ${v.stated}, and version ${v.version} is the one that counts here.`,
    ko: (v) => `접수증의 버전은 ${v.stated}, 여기서 유효한 버전은 ${v.version}입니다.`,
  },
  tickets: { en: (v) => `Tickets: ${v.tickets}.`, ko: (v) => `추첨권 ${v.tickets}장.` },
  score: { en: (v) => `Score: ${v.score}.`, ko: (v) => `점수 ${v.score}점.` },
  position: {
    en: (v) => `Place in the draw: ${v.position} of ${v.stood}.`,
    ko: (v) => `추첨 순위: ${v.stood}건 중 ${v.position}번째.`,
  },
  "no-position": { en: () => "It did not stand in the draw.", ko: () => "추첨에 오르지 않았습니다." },
  because: { en: (v) => `Why: ${v.because}.`, ko: (v) => `까닭: ${v.because}.` },
  product: { en: () => "Product: ", ko: () => "제품: " },
  award: {
    en: (v) => ["Awarded: ", v.name, ` / ${v.request}: ${v.quantity} units, ${v.won} won.`],
    ko: (v) => ["구매 배정: ", v.name, ` / ${v.request}: ${v.quantity}개, ${v.won}원.`],
  },
  since: {
    en: (v) => `Changed by batch ${v.batch}${v.confirmed ? "" : ", which is not confirmed yet"}: `,
    ko: (v) => `${v.batch}차 재배정으로 바뀜${v.confirmed ? "" : " (아직 확정 전)"}: `,
  },
  "again-reserve": { en: () => "In reserve again, at its place in the draw", ko: () => "다시 예비 (추첨 순위대로)" },
};

/** {state, heading, lines}: each line a list of text and of {name}s that somebody else chose. */
export function told(found, sought, language, nameOf) {
  const say = (what, values = {}) => SENTENCES[what][language](values);
  if (typeof found === "string") return { state: found, heading: say(found), lines: [] };
  const number = (value) => (typeof value === "number" ? value.toLocaleString(language) : String(value));
  const { entry, round, differs, confirmed, stood } = found;
  const lines = [];
  if (sought.round !== undefined && sought.round !== round) lines.push([say("other-round", { stated: sought.round, round })]);
  if (entry === undefined) {
    lines.push([say(found.whole ? "not-there" : "cut-off", { ...found, count: number(found.count) })]);
    if (found.whole) lines.push([say(sought.withdrawn ? "withdrawn" : "why")]);
    return { state: "absent", heading: say(found.whole ? "absent" : "cut"), lines };
  }
  if (differs) lines.push([say("differing", { differs: number(differs) })]);
  else if (!confirmed) lines.push([say("unconfirmed")]);
  lines.push([say(found.listed ? "manifest" : "no-manifest", { ...found, count: number(found.count), version: entry.version })]);
  if (sought.version !== undefined && sought.payload !== undefined) lines.push([asReceived(entry, sought, say)]);
  lines.push([OUTCOMES[entry.outcome][language]], [say("tickets", { tickets: number(entry.tickets) })]);
  if (entry.score !== null) lines.push([say("score", { score: number(entry.score) })]);
  lines.push([entry.position === null ? say("no-position") : say("position", { position: number(entry.position), stood: number(stood) })]);
  if (entry.reason !== null) lines.push([say("because", { because: REASONS[entry.reason][language] })]);
  if (entry.product) lines.push([say("product"), { name: entry.product }]);
  const awarded = (awards) =>
    awards.map(({ institution, request, quantity, won }) =>
      say("award", { name: { name: nameOf(institution) }, request, quantity: number(quantity), won: number(won) }),
    );
  lines.push(...awarded(entry.awards));
  for (const { batch, confirmed, result, reason, awards } of found.since) {
    const became = result === "reserve" ? say("again-reserve") : say(result);
    const because = reason === null ? "" : ` (${REASONS[reason][language]})`;
    lines.push([say("since", { batch, confirmed }) + became + because], ...awarded(awards));
  }
  const wrong = sought.version === entry.version && sought.payload !== undefined && sought.payload !== entry.payload;
  return { state: differs || wrong ? "wrong" : "right", heading: headingOf(found, say), lines };
}

/** As the last confirmed batch left it. */
function headingOf({ entry, since }, say) {
  const last = since.findLast(({ confirmed }) => confirmed);
  if (last === undefined) return say(entry.result, { reserve: entry.reserve });
  return last.result === "reserve" ? say("again-reserve") : say(last.result);
}

function asReceived(entry, { version, payload }, say) {
  if (version !== entry.version) return say("other-version", { stated: version, version: entry.version });
  return payload === entry.payload ? say("same-hash") : say("other-hash", { stated: payload, mine: entry.payload });
}
