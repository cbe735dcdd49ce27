// Reads and checks beside the page, so that it stays at hand while a large bundle is computed.

import { standingOf } from "./finding.js";
import { examine } from "./verify.js";

const TOLD_EVERY_MS = 100;
let report = null;

/** `{address}` or `{file}`, and `held`; answers with `{progress}`s and one of `{report}`, `{refused}`, `{broken}`, `{failed}`.
 * After the report also `{find}`, an application's id; answers with `{found}`. */
addEventListener("message", async ({ data: { address, file, held, find } }) => {
  if (find) return postMessage({ found: standingOf(report, find) });
  try {
    const answer = address ? await fetched(address) : { body: file.stream(), total: file.size };
    if (answer === null) return;
    let toldAt = performance.now();
    let lines = 0;
    const step = (count, bytes) => {
      lines = count;
      const now = performance.now();
      if (now - toldAt < TOLD_EVERY_MS) return;
      toldAt = now;
      postMessage({ progress: { lines, bytes, total: answer.total } });
    };
    report = await examine(piecesOf(answer.body), held, step);
    const { depth, round, title, epoch, checked, differs, notChecked, more, confirmed, voided, selected } = report;
    const told = { depth, round, title, epoch, checked, differs, notChecked, more, confirmed, voided, selected, lines };
    postMessage({ report: told });
  } catch (error) {
    postMessage(error instanceof Broken ? { broken: true } : { failed: String(error?.message ?? error) });
  }
});

/** The stream ended before the bundle did. */
class Broken extends Error {}

async function fetched(address) {
  let response;
  try {
    response = await fetch(address, { cache: "no-store", credentials: "same-origin" });
  } catch {
    throw new Broken();
  }
  if (response.ok) return { body: response.body, total: null };
  const problem = await response.json().catch(() => ({}));
  postMessage({ refused: { status: response.status, told: String(problem?.title ?? response.statusText) } });
  return null;
}

async function* piecesOf(body) {
  const reader = body.getReader();
  for (;;) {
    let piece;
    try {
      piece = await reader.read();
    } catch {
      throw new Broken();
    }
    if (piece.done) return;
    yield piece.value;
  }
}
