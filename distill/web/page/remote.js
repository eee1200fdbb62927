// The other way: the same question to the same model on a server. Nothing here runs until a person asks for it.

/** The server refused, or could not be reached. */
export class RemoteError extends Error {}

/** An input and the options as one document: what most kinds of input are sent as. */
export function jsonBody(input, options) {
  const body = JSON.stringify({ inputs: [input], ...options });
  return { query: {}, type: "application/json", body, shown: body };
}

/**
 * Exactly what would be sent: what `send` sends, and what the page shows.
 * @param toBody an input, the options -> what a kind of input is sent as
 */
export function request(url, input, key, abstainBelow, isThresholdAsked, toBody = jsonBody) {
  const options = isThresholdAsked ? { explain: true, abstain_below: abstainBelow } : { explain: true };
  const { query, type, body, shown } = toBody(input, options);
  const headers = { "content-type": type };
  if (key) headers["x-api-key"] = key;
  const search = new URLSearchParams(query).toString();
  return { method: "POST", url: search ? `${url}?${search}` : url, headers, body, shown };
}

/** The request as text, the key's value hidden. */
export function shown({ method, url, headers, shown: body }) {
  const { host, pathname, search } = new URL(url);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${name === "x-api-key" ? "••••••" : value}`);
  return [`${method} ${pathname}${search} HTTP/1.1`, `host: ${host}`, `origin: ${location.origin}`, ...lines, "", body].join("\n");
}

/**
 * Send it, once.
 * @returns the server's prediction, with its scores in the order of `labels`
 * @throws {RemoteError}
 */
export async function send({ method, url, headers, body }, labels) {
  const options = { credentials: "omit", cache: "no-store", referrerPolicy: "no-referrer", redirect: "error" };
  let response;
  let answer;
  try {
    response = await fetch(url, { method, headers, body, ...options });
    answer = await response.json();
  } catch {
    throw new RemoteError("The server could not be reached, or takes no questions from this page’s address.");
  }
  if (!response.ok) throw new RemoteError(`${response.status}: ${answer.detail ?? answer.message ?? "refused"}`);
  const prediction = answer.predictions?.[0];
  if (!prediction) throw new RemoteError("The server answered, but not as Limbeck’s API does.");
  return { ...prediction, scores: labels.map((label) => prediction.scores[label] ?? 0), model: answer.model };
}
