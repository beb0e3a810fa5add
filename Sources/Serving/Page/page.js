"use strict";

const element = (id) => document.getElementById(id);
const seconds = (time) => Math.floor(Date.parse(time) / 1000);
const clock = (time) => time ? time.slice(0, 16).replace("T", " ") + " UTC" : "–";
const percent = (value) => value === null ? "–" : (value * 100).toFixed(1) + " %";

async function ask(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Error(`${path}: ${(await answer.json()).error.message}`);
  return answer.json();
}

// --- charts

const dark = matchMedia("(prefers-color-scheme: dark)");

function colours() {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue("--" + name).trim();
}

function look() {
  const colour = colours();
  return {
    layout: { background: { color: "transparent" }, textColor: colour("ink") },
    grid: { vertLines: { color: colour("line") }, horzLines: { color: colour("line") } },
    timeScale: { timeVisible: true, secondsVisible: false, borderColor: colour("line") },
    rightPriceScale: { borderColor: colour("line") },
    autoSize: true,
  };
}

const charts = ["candles", "probability"].map((id) => LightweightCharts.createChart(element(id), look()));
const candleSeries = charts[0].addCandlestickSeries();
const lines = new Map();

function paint() {
  const colour = colours();
  for (const chart of charts) chart.applyOptions(look());
  // Rising candles are hollow, so that they differ from falling ones without colour too.
  candleSeries.applyOptions({
    upColor: "transparent", borderUpColor: colour("up"), wickUpColor: colour("up"),
    downColor: colour("down"), borderDownColor: colour("down"), wickDownColor: colour("down"),
  });
}

dark.addEventListener("change", paint);
paint();

const bar = (candle) => ({
  time: seconds(candle.open_time), open: +candle.open, high: +candle.high, low: +candle.low, close: +candle.close,
});

// --- candles

let series = "";
/** Prices of the newest minutes by open time, in seconds. */
const prices = new Map();

async function loadCandles() {
  const listing = await ask("v1/candles?limit=240");
  series = listing.series;
  element("series").textContent = series;
  if (series.startsWith("sim-")) {
    element("label").textContent = "simulated data";
    element("label").hidden = false;
  }
  const bars = listing.rows.map(bar);
  candleSeries.setData(bars);
  prices.clear();
  for (const one of bars) prices.set(one.time, one);
  showWindows();
}

function takeCandle(data) {
  if (data.series !== series) return;
  const one = bar(data.candle);
  prices.set(one.time, one);
  try { candleSeries.update(one); } catch { loadCandles(); }
  showWindows();
}

// --- predictions

const newest = new Map();
/** What came true, by target and time of the decision. */
const outcomes = new Map();
let history = [];

/** What was said and what came true of the chosen target, as far as the candles reach. */
async function loadHistory() {
  const target = element("target").value;
  if (!target || !prices.size) return;
  const from = (Math.min(...prices.keys()) + 60) * 1000;
  const rows = await pages(`v1/predictions?target=${target}&mode=live`, from);
  for (const one of await pages(`v1/outcomes?target=${target}`, from)) outcomes.set(target + " " + one.time, one.outcome);
  history = rows;
  drawProbabilities();
  drawMarkers();
}

async function pages(path, from) {
  const rows = [];
  for (let page = 0; page < 4 && from; page += 1) {
    const listing = await ask(`${path}&limit=1000&from=${from}`);
    rows.push(...listing.rows);
    from = listing.next;
  }
  return rows;
}

function takePrediction(row) {
  if (row.mode !== "live") return;
  newest.set(row.target + " " + row.model, row);
  showPredictions();
  if (row.target !== element("target").value) return showWindows();
  history.push(row);
  if (history.length > 4000) history.splice(0, 1000);
  drawProbabilities();
  drawMarkers();
  showWindows();
}

function takeOutcome(one) {
  outcomes.set(one.target + " " + one.time, one.outcome);
  drawMarkers();
}

function row(cells) {
  const line = document.createElement("tr");
  for (const content of cells) line.insertCell().append(content);
  return line;
}

let isShowing = false;

/** At most once a frame: what is said between candles comes faster than anybody reads. */
function showPredictions() {
  if (isShowing) return;
  isShowing = true;
  requestAnimationFrame(() => {
    isShowing = false;
    tellPredictions();
    showNext();
  });
}

function tellPredictions() {
  const rows = [...newest.values()].sort((a, b) => (a.target + a.model).localeCompare(b.target + b.model));
  const focused = [...element("now").querySelectorAll("button")].indexOf(document.activeElement);
  element("now").replaceChildren(...rows.map((one) => row([
    one.target, explainer(one),
    one.change_percent === null ? percent(one.probability_up) : one.change_percent.toFixed(3) + " %",
    one.state + (one.reason ? `: ${one.reason}` : ""), clock(one.time),
  ])));
  if (focused >= 0) element("now").querySelectorAll("button")[focused]?.focus();
  const targets = [...new Set(rows.filter((one) => /^(direction|window)/.test(one.target)).map((one) => one.target))];
  const menu = element("target");
  if (targets.join() === [...menu.options].map((option) => option.value).join()) return;
  const chosen = menu.value;
  menu.replaceChildren(...targets.map((name) => new Option(name, name)));
  if (targets.includes(chosen)) menu.value = chosen; else showTarget();
}

/** A name that opens what lies behind a prediction. */
function explainer(one) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = one.model;
  button.title = `explain ${one.target} by ${one.model} at ${clock(one.time)}`;
  button.addEventListener("click", () => explain(one));
  return button;
}

async function explain(one) {
  element("explanation-title").textContent = `${one.target} at ${clock(one.time)}`;
  element("explanation-text").textContent = "reading …";
  element("contributions").replaceChildren();
  element("explanation").showModal();
  try {
    const told = await ask(`v1/predictions/${encodeURIComponent(one.id)}/explain`);
    const models = told.models.map((answer) =>
      `${answer.model} ${answer.probability_up === null ? "–" : percent(answer.probability_up)}`).join(", ");
    element("explanation-text").textContent =
      `${told.version ?? "No version; the baseline"} (${told.state}${told.reason ? ": " + told.reason : ""}). ${models}. ` +
      `Computed again from the store: ${told.stored.verdict}. Price view ${told.view}.`;
    const values = new Map(told.inputs.map((input) => [input.name, input.value]));
    const parts = Object.entries(told.contributions).flatMap(([model, sum]) =>
      Object.entries(sum.inputs ?? sum).map(([name, adds]) => ({ model, name, adds })))
      .filter((part) => typeof part.adds === "number").sort((a, b) => Math.abs(b.adds) - Math.abs(a.adds));
    element("contributions").replaceChildren(...parts.slice(0, 12).map((part) => row([
      part.name, values.has(part.name) ? shortNumber(values.get(part.name)) : "–", part.adds.toFixed(4)])));
  } catch (error) {
    element("explanation-text").textContent = error.message;
  }
}

const shortNumber = (value) => value === null ? "not known" : Number(value.toPrecision(6)).toString();

async function loadFeatures() {
  const current = (await ask("v1/features")).current;
  element("features-note").textContent = current
    ? `of the minute that closed ${clock(current.time)}, ${current.age_seconds.toFixed(0)} s old by the market's clock`
    : "no minute has closed yet";
  element("features").replaceChildren(...(current?.names ?? []).map((name, place) =>
    row([name, shortNumber(current.features[place])])));
}

const styles = { Ensemble: [0, 3], ModelA: [1, 1], ModelB: [2, 1], ModelC: [3, 1], MLP: [4, 1], Baseline: [2, 2] };

function drawProbabilities() {
  const target = element("target").value;
  const models = new Map();
  for (const one of history) {
    if (one.target !== target || one.probability_up === null) continue;
    if (!models.has(one.model)) models.set(one.model, new Map());
    models.get(one.model).set(seconds(one.time), one.probability_up);
  }
  for (const [model, line] of lines) if (!models.has(model)) { charts[1].removeSeries(line); lines.delete(model); }
  for (const [model, points] of models) {
    if (!lines.has(model)) {
      const [lineStyle, lineWidth] = styles[model] ?? [0, 1];
      const color = colours()(model === "Baseline" ? "quiet" : "ink");
      lines.set(model, charts[1].addLineSeries({
        title: model, color, lineStyle, lineWidth, priceLineVisible: false,
        priceFormat: { type: "custom", minMove: 0.0001, formatter: (value) => (value * 100).toFixed(1) + " %" },
      }));
    }
    lines.get(model).setData([...points].sort((a, b) => a[0] - b[0]).map(([time, value]) => ({ time, value })));
  }
  element("legend").textContent = models.size ? "" : "nothing is predicted for this target yet";
}

/** Whom the page believes: the ensemble, or who answers where there is none. */
function believed(target) {
  const rows = history.filter((one) => one.target === target && one.probability_up !== null);
  return rows.some((one) => one.model === "Ensemble") ? "Ensemble" : "Baseline";
}

function drawMarkers() {
  const target = element("target").value;
  const model = believed(target);
  const colour = colours();
  const markers = new Map();
  for (const one of history) {
    if (one.target !== target || one.model !== model || one.probability_up === null) continue;
    // A decision stands at the close of its last minute.
    const time = seconds(one.time) - 60;
    if (!prices.has(time)) continue;
    const up = one.direction === "UP";
    const outcome = outcomes.get(one.target + " " + one.time);
    const position = up ? "belowBar" : "aboveBar";
    if (outcome === undefined) {
      markers.set(time, { time, position, shape: up ? "arrowUp" : "arrowDown", color: colour("quiet"), size: 0.6 });
    } else if ((outcome >= 0.5) === up) {
      markers.set(time, { time, position, shape: "circle", color: colour("up"), size: 0.6 });
    } else {
      markers.set(time, { time, position, shape: "square", color: colour("down"), size: 0.6 });
    }
  }
  candleSeries.setMarkers([...markers.values()].sort((a, b) => a.time - b.time));
  element("markers").textContent = target
    ? `${target} by ${model}, below a candle for up and above for down: arrow not known yet, circle right, square wrong`
    : "";
}

function showTarget() {
  loadHistory().catch(() => {});
  loadSkill().catch(() => {});
}

charts[0].subscribeClick((event) => {
  const target = element("target").value;
  const model = believed(target);
  const one = history.findLast((row) => row.model === model && seconds(row.time) - 60 === event.time);
  if (one) explain(one);
});

element("target").addEventListener("change", showTarget);

// --- windows

function showWindows() {
  const last = Math.max(...prices.keys());
  if (!prices.size) return;
  const now = last + 60;
  const settles = series.startsWith("chainlink:");
  const venue = series.split(":")[0].replace(/^sim-/, "");
  element("window-note").textContent =
    settles ? "by Chainlink's price, which settles" : `${venue} price, not the settlement price`;
  const lines = [5, 15].map((minutes) => {
    const start = Math.floor(now / (minutes * 60)) * minutes * 60;
    const end = start + minutes * 60;
    const target = `window-${minutes}m`;
    const made = newest.get(target + " Ensemble") ?? newest.get(target + " Baseline");
    const fits = made && made.probability_up !== null && seconds(made.time) >= start && seconds(made.time) < end;
    const beat = prices.get(start - 60)?.close;
    return row([
      `${minutes} minutes`, new Date(end * 1000).toISOString().slice(11, 16) + " UTC", `${(end - now) / 60} min`,
      beat === undefined ? "–" : beat.toFixed(2), prices.get(last).close.toFixed(2),
      fits ? `${percent(made.probability_up)} (${made.model})` : "–",
    ]);
  });
  element("windows").replaceChildren(...lines);
}

/** What is said between candles: of its models the one that says most. */
function showNext() {
  const made = ["MLP", "Linear", "Baseline"].map((model) => newest.get("move-60s " + model)).filter(Boolean);
  const one = made.find((each) => each.state && !each.state.startsWith("abstain") && each.predicted_price !== null) ?? made[0];
  if (!one) return;
  const price = (value) => value === null || value === undefined ? "not known" : value.toFixed(2);
  const range = one.interval?.[0] === null ? "not known" : `${price(one.interval?.[0])} to ${price(one.interval?.[1])}`;
  list("next", {
    "price now": price(one.current_price), [`in ${one.prediction_horizon_seconds} s`]: `${price(one.predicted_price)} (${one.model})`,
    "four of five times within": range, "probability of up": percent(one.probability_up),
    confidence: percent(one.confidence), state: one.state + (one.reason ? `: ${one.reason}` : ""),
    "inputs are": one.features_age_ms === null ? "not known" : `${one.features_age_ms} ms old (${one.source})`,
  });
}

function list(id, facts) {
  element(id).replaceChildren(...Object.entries(facts).flatMap(([name, value]) => {
    const [term, text] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    text.textContent = value;
    return [term, text];
  }));
}

// --- how good it has been

async function loadSkill() {
  const target = element("target").value;
  if (!target) return;
  const table = await ask(`v1/skill?target=${target}&hours=24`);
  element("skill").replaceChildren(...table.rows.map((one) => row([
    one.state === "fresh" ? one.model : `${one.model} (${one.state})`, one.count, percent(one.accuracy),
    one.brier.toFixed(4), skillText(one),
  ])));
  element("skill-note").textContent =
    `${target}, decisions of the last 24 hours, ${table.settled} with a known outcome; live predictions only`;
  drawReliability(table.rows);
}

function skillText(one) {
  if (one.model === "Baseline") return "baseline";
  if (!one.skill || one.skill.value === null) return "–";
  const interval = one.skill.low === null ? "no interval: one day" : `${percent(one.skill.low)} to ${percent(one.skill.high)}`;
  return `${percent(one.skill.value)} (${interval})`;
}

function drawReliability(rows) {
  const shown = rows.find((one) => one.model === "Ensemble") ?? rows.find((one) => one.model === "Baseline");
  const bins = (shown?.reliability ?? []).filter((bin) => bin.count > 0);
  const picture = element("reliability");
  picture.replaceChildren();
  const draw = (name, attributes, text = "") => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.textContent = text;
    picture.append(node);
  };
  const colour = colours();
  const place = (share) => 30 + share * 180;
  draw("rect", { x: 30, y: 10, width: 180, height: 180, fill: "none", stroke: colour("line") });
  draw("line", { x1: 30, y1: 190, x2: 210, y2: 10, stroke: colour("quiet"), "stroke-dasharray": "4 3" });
  const most = Math.max(1, ...bins.map((bin) => bin.count));
  for (const bin of bins) {
    draw("circle", {
      cx: place(bin.mean_probability), cy: 190 - bin.up_share * 180, r: 3 + 5 * Math.sqrt(bin.count / most),
      fill: colour("ink"), "fill-opacity": 0.7,
    });
  }
  draw("text", { x: 30, y: 204 }, "0 %");
  draw("text", { x: 186, y: 204 }, "100 %");
  draw("text", { x: 86, y: 216 }, "predicted");
  draw("text", { x: 2, y: 16 }, "went up");
  element("reliability-text").textContent = shown && bins.length
    ? `Reliability of ${shown.model}: ` + bins.map((bin) =>
      `said ${percent(bin.mean_probability)}, was ${percent(bin.up_share)} (${bin.count})`).join("; ")
    : "No reliability yet: no outcome is known.";
}

// --- minutes, feed, events

async function loadMinutes() {
  const last = await ask("v1/candles?limit=1");
  const end = last.rows.length ? Date.parse(last.rows[0].open_time) + 60000 : Date.now();
  const start = end - 86400000;
  const ranges = (await ask(`v1/gaps?limit=1000&from=${start}&to=${end}`)).rows;
  const parts = [];
  let at = start;
  const add = (kind, until) => {
    const minutes = Math.round((Math.min(until, end) - at) / 60000);
    if (minutes > 0) parts.push({ kind, minutes });
    at = Math.max(at, Math.min(until, end));
  };
  const listing = await ask(`v1/candles?limit=1&from=${start}&to=${end}`);
  const first = listing.rows.length ? Date.parse(listing.rows[0].open_time) : end;
  const held = [...ranges.map((one) => ({ ...one, begin: Date.parse(one.from), finish: Date.parse(one.to) }))];
  if (first > start && !held.some((one) => one.begin <= start)) add("absent", first);
  for (const one of held) {
    add("live", one.begin);
    add(one.state === "patched" ? "patched" : "absent", one.finish);
  }
  add("live", end);
  const total = { live: 0, patched: 0, absent: 0 };
  for (const part of parts) total[part.kind] += part.minutes;
  element("minutes").replaceChildren(...parts.map((part) => {
    const piece = document.createElement("span");
    piece.className = part.kind;
    piece.style.width = part.minutes / 14.4 + "%";
    piece.title = `${part.minutes} minutes ${part.kind}`;
    return piece;
  }));
  element("minutes-text").textContent =
    `${total.live} came live or from an archive (solid), ${total.patched} were fetched afterwards (slanted), ` +
    `${total.absent} are absent (upright)`;
}

async function loadEvents() {
  const rows = (await ask("v1/quality?limit=20")).rows;
  element("events").replaceChildren(...rows.map((one) => row([
    clock(one.created_at), one.type, one.candles_missing ?? "–", one.resolved_at ? clock(one.resolved_at) : "lasts",
  ])));
}

function latencyText() {
  const sorted = history.slice(-500).map((one) => one.latency_microseconds).sort((a, b) => a - b);
  if (!sorted.length) return "–";
  const at = (share) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]);
  return `${at(0.5)} µs (half of them), ${at(0.99)} µs (99 %)`;
}

function takeHealth(health) {
  const facts = {
    status: health.status, "running for": health.uptime_seconds + " s",
    "candles stored": health.candles_processed, database: health.database_connected ? "connected" : "not connected",
    venue: health.websocket_connected ? "connected" : "not connected", "newest candle": clock(health.last_candle_time),
    memory: health.memory_mb === null ? "–" : health.memory_mb + " MiB", "prediction takes": latencyText(),
  };
  list("feed", facts);
}

// --- what happens

const take = { candles: takeCandle, predictions: takePrediction, outcomes: takeOutcome, health: takeHealth };
const expected = new Map();

function heard(message) {
  if (message.type === "heartbeat" || !take[message.type]) return;
  const key = message.type + " " + message.symbol;
  const missed = expected.has(key) && message.sequence > expected.get(key);
  expected.set(key, message.sequence + 1);
  if (missed) return load();
  take[message.type](message.data);
}

async function load() {
  try {
    await Promise.all([loadCandles().then(loadHistory), loadMinutes(), loadEvents(), loadFeatures(), loadSkill()]);
  } catch (error) {
    element("link").textContent = error.message;
  }
}

let pause = 500;

function join() {
  const socket = new WebSocket(new URL("ws", location.href.replace(/^http/, "ws")));
  let silence;
  const listen = () => {
    clearTimeout(silence);
    silence = setTimeout(() => socket.close(), 40000);
  };
  socket.onopen = () => {
    pause = 500;
    expected.clear();
    element("link").textContent = "live";
    listen();
    load();
  };
  socket.onmessage = (event) => {
    listen();
    heard(JSON.parse(event.data));
  };
  socket.onclose = () => {
    clearTimeout(silence);
    element("link").textContent = "not connected, trying again …";
    setTimeout(join, pause);
    pause = Math.min(pause * 2, 10000);
  };
}

setInterval(() => {
  for (const part of [loadMinutes, loadEvents, loadSkill, loadFeatures]) part().catch(() => {});
}, 15000);
join();
