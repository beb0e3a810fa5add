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

async function loadCandles() {
  const listing = await ask("v1/candles?limit=240");
  series = listing.series;
  element("series").textContent = series;
  if (series.startsWith("sim-")) {
    element("label").textContent = "simulated data";
    element("label").hidden = false;
  }
  candleSeries.setData(listing.rows.map(bar));
}

function takeCandle(data) {
  if (data.series !== series) return;
  try { candleSeries.update(bar(data.candle)); } catch { loadCandles(); }
}

// --- predictions

const newest = new Map();
let history = [];

async function loadPredictions() {
  history = (await ask("v1/predictions?limit=1000")).rows;
  for (const row of history) newest.set(row.target + " " + row.model, row);
  showPredictions();
  drawProbabilities();
}

function takePrediction(row) {
  if (row.mode !== "live") return;
  newest.set(row.target + " " + row.model, row);
  history.push(row);
  if (history.length > 4000) history.splice(0, 1000);
  showPredictions();
  drawProbabilities();
}

function row(cells) {
  const line = document.createElement("tr");
  for (const text of cells) line.insertCell().textContent = text;
  return line;
}

function showPredictions() {
  const rows = [...newest.values()].sort((a, b) => (a.target + a.model).localeCompare(b.target + b.model));
  element("now").replaceChildren(...rows.map((one) => row([
    one.target, one.model,
    one.change_percent === null ? percent(one.probability_up) : one.change_percent.toFixed(3) + " %",
    one.state + (one.reason ? `: ${one.reason}` : ""), clock(one.time),
  ])));
  const targets = [...new Set(rows.filter((one) => one.change_percent === null).map((one) => one.target))];
  const menu = element("target");
  if (targets.join() === [...menu.options].map((option) => option.value).join()) return;
  const chosen = menu.value;
  menu.replaceChildren(...targets.map((name) => new Option(name, name)));
  if (targets.includes(chosen)) menu.value = chosen;
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

element("target").addEventListener("change", drawProbabilities);

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

function takeHealth(health) {
  const facts = {
    status: health.status, "running for": health.uptime_seconds + " s",
    "candles stored": health.candles_processed, database: health.database_connected ? "connected" : "not connected",
    venue: health.websocket_connected ? "connected" : "not connected", "newest candle": clock(health.last_candle_time),
    memory: health.memory_mb === null ? "–" : health.memory_mb + " MiB",
  };
  element("feed").replaceChildren(...Object.entries(facts).flatMap(([name, value]) => {
    const [term, text] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    text.textContent = value;
    return [term, text];
  }));
}

// --- what happens

const take = { candles: takeCandle, predictions: takePrediction, health: takeHealth };
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
    await Promise.all([loadCandles(), loadPredictions(), loadMinutes(), loadEvents()]);
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

setInterval(() => { loadMinutes().catch(() => {}); loadEvents().catch(() => {}); }, 15000);
join();
