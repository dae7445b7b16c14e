// What a result of a step is worth, judged on the device by the same rule as the server's (equipment/work/steps.py).

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)$/;

/** A decimal as [digits, places], exact: 0.1 + 0.2 is for others. Null for what is no number. */
export function decimal(text) {
  const plain = String(text).trim().replace(",", ".");
  if (!NUMBER.test(plain) || plain.length > 30) return null;
  const negative = plain.startsWith("-");
  const [whole, rest = ""] = plain.replace(/^[+-]/, "").split(".");
  const digits = BigInt(`0${whole}${rest}`);
  return [negative ? -digits : digits, rest.length];
}

export function compare(one, other) {
  const places = Math.max(one[1], other[1]);
  const a = one[0] * 10n ** BigInt(places - one[1]);
  const b = other[0] * 10n ** BigInt(places - other[1]);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** "pass", "fail" or "none"; null for what is no answer. Limits are allowed values. */
export function judge(step, text) {
  const said = String(text).trim();
  if (!said) return null;
  if (step.kind === "check") return { pass: "pass", fail: "fail", na: "none" }[said] ?? null;
  if (step.kind === "text") return "none";
  const number = decimal(said);
  if (!number) return null;
  if (step.low === null && step.high === null) return "none";
  const below = step.low !== null && compare(number, decimal(step.low)) < 0;
  const above = step.high !== null && compare(number, decimal(step.high)) > 0;
  return below || above ? "fail" : "pass";
}
