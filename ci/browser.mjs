// What a reader does with a page, in a browser: see `ci/browser`.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { JSDOM } from "jsdom";
import puppeteer from "puppeteer-core";

const browser = await puppeteer.launch({ executablePath: process.argv[2], headless: true, args: ["--no-sandbox"] });
const page = await browser.newPage();
const complaints = [];
page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
page.on("pageerror", (error) => complaints.push(error.message));
let served = "file:";
page.on("request", (request) => { if (!/^(file|about|data):/.test(request.url()) && !request.url().startsWith(served)) complaints.push(`asks for ${request.url()}`); });

const open = async (name, hash = "", width = 1280) => {
  await page.setViewport({ width, height: 900 });
  await page.goto("about:blank");
  await page.goto(pathToFileURL(`${name}.html`).href + hash);
};
const press = (key) => page.keyboard.press(key);
const text = (selector) => page.$eval(selector, (e) => e.textContent);
const count = (selector) => page.$$eval(selector, (all) => all.length);
const step = async () => {
  const said = await text(".bar .count");
  return said.startsWith("start") ? 0 : Number(said.split(" ")[1]);
};
const click = (name) => page.$$eval("button", (all, wanted) => all.find((b) => b.getAttribute("aria-label") === wanted || b.textContent === wanted).click(), name);

let done = 0;
async function shows(what, check) {
  const before = complaints.length;
  await check();
  assert.deepEqual(complaints.slice(before), [], what);
  done += 1;
  console.log(`ok ${done} ${what}`);
}

await shows("a page opens at the end of what went wrong", async () => {
  await open("deadlock");
  assert.equal(await step(), 6);
  assert.match(await text(".lanes tbody tr.mark.bad:last-child"), /flip and copy can never go on/);
});
await shows("the circle of waiting is drawn", async () => assert.equal(await count("svg path.circle"), 4));
await shows("arrow up goes a step back", async () => { await press("ArrowUp"); assert.equal(await step(), 5); });
await shows("there is no circle there", async () => assert.equal(await count("svg path.circle"), 0));
await shows("arrow down goes a step on", async () => { await press("ArrowDown"); assert.equal(await step(), 6); });
await shows("no further than the last", async () => { await press("ArrowRight"); assert.equal(await step(), 6); });
await shows("Home goes before the first", async () => { await press("Home"); assert.equal(await step(), 0); });
await shows("no further than that", async () => { await press("ArrowLeft"); assert.equal(await step(), 0); });
await shows("j and k go on and back", async () => {
  await press("j");
  await press("j");
  await press("k");
  assert.equal(await step(), 1);
});
await shows("what the step changed stands out", async () => assert.match(await text(".state .changed"), /flip/));
await shows("End goes to the last", async () => { await press("End"); assert.equal(await step(), 6); });
await shows("page keys go by ten", async () => {
  await press("PageUp");
  assert.equal(await step(), 0);
  await press("PageDown");
  assert.equal(await step(), 6);
});
await shows("p goes to the point of no return", async () => { await press("p"); assert.equal(await step(), 2); });
await shows("c puts the schedule that passes beside it", async () => {
  await press("c");
  assert.equal(await count("table.lanes"), 2);
  assert.match(await text(".traces .card:nth-child(2)"), /ends well/);
});
await shows("c takes it away", async () => { await press("c"); assert.equal(await count("table.lanes"), 1); });
await shows("n takes the next execution, b the one before", async () => {
  const title = () => page.$eval("select", (e) => e.selectedOptions[0].textContent);
  const first = await title();
  await press("n");
  assert.notEqual(await title(), first);
  await press("b");
  assert.equal(await title(), first);
});
await shows("? lists the keys, Escape closes the list", async () => {
  await press("?");
  assert.ok(await count("dialog[open] tr") >= 10);
  await press("Escape");
  assert.equal(await count("dialog"), 0);
});
await shows("a click on a row goes there", async () => {
  await page.$$eval(".lanes tbody tr:not(.mark)", (rows) => rows[2].click());
  assert.equal(await step(), 3);
});
await shows("the buttons go on and back", async () => {
  await click("One step on");
  assert.equal(await step(), 4);
  await click("One step back");
  assert.equal(await step(), 3);
  await click("Before the first step");
  assert.equal(await step(), 0);
  await click("The last step");
  assert.equal(await step(), 6);
});
await shows("the slider goes anywhere", async () => {
  await page.$eval("input[type=range]", (e) => { e.value = 4; e.dispatchEvent(new Event("input")); });
  assert.equal(await step(), 4);
});
await shows("the line of the step is marked", async () => assert.match(await text(".lines .here"), /thread copy/));
await shows("the list of executions can be used", async () => {
  await page.select("select", "1");
  assert.match(await text(".lanes tbody"), /ends well/);
  await page.select("select", "0");
});
await shows("every outcome has one to look at", async () => {
  await page.$$eval(".outcomes button", (all) => all[0].click());
  assert.match(await text(".lanes tbody tr:last-child"), /ends well/);
});
await shows("an address comes back to where one was", async () => {
  await open("deadlock", "#0.0.3");
  assert.equal(await step(), 3);
});
await shows("an address that is wrong does no harm", async () => {
  await open("deadlock", "#7.x.-3");
  assert.equal(await step(), 6);
});
await shows("cases are tabs, and the first that goes wrong is open", async () => {
  await open("pages/scenarios-history-woken-before-released");
  assert.equal(await page.$eval(".tabs [aria-selected=true] b", (e) => e.textContent), "buggy");
  await page.$$eval(".tabs button", (all) => all[1].click());
  assert.equal(await page.$eval(".tabs [aria-selected=true] b", (e) => e.textContent), "fixed");
});
await shows("an execution without an end says where it begins again", async () => {
  await open("pages/scenarios-liveness-trylock-back-off");
  assert.match(await text(".lanes"), /goes round, for ever/);
});
await shows("pages and what leads to them are drawn", async () => {
  await open("pages/scenarios-pages-move-async");
  assert.ok(await count("svg .frame") >= 4 && await count("svg path.map") >= 1);
});
await shows("a library's text is behind a click", async () => {
  await open("pages/scenarios-heap-cpu-access-cpu-access-synced");
  assert.ok(await count(".source [role=tab]") > 1);
  await page.$$eval(".source [role=tab]", (all) => all.find((tab) => tab.title.includes("dma-mapping")).click());
  assert.match(await text(".lines .here"), /cache-invalidate/);
});
await shows("coverage is in the margin", async () => assert.ok(await page.evaluate(() => data.coverage.length > 0)));
for (const width of [1280, 800, 400]) {
  await shows(`nothing is wider than a window of ${width}`, async () => {
    for (const name of ["deadlock", "large", "pages/scenarios-heap-cpu-access-cpu-access-synced", "pages/index"]) {
      await open(name, "", width);
      const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= room, `${name}: ${wide} of ${room}`);
      await page.screenshot({ path: `${name.split("/").pop()}-${width}.png` });
    }
  });
}
await shows("it is dark where one wants it dark, and can be read", async () => {
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
  await open("deadlock");
  const [text, back] = await page.evaluate(() => ["color", "backgroundColor"].map((what) => getComputedStyle(document.documentElement)[what].match(/\d+/g).map(Number)));
  assert.ok(back.every((n) => n < 60) && text.every((n) => n > 200), `${text} on ${back}`);
  await page.screenshot({ path: "deadlock-dark.png" });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
});
await shows("on paper the whole trace is there and no buttons are", async () => {
  await open("large");
  await page.emulateMediaType("print");
  assert.equal(await page.$eval(".bar", (e) => getComputedStyle(e).display), "none");
  assert.equal(await page.$eval(".trace .scroll", (e) => e.scrollHeight > e.clientHeight + 1), false);
  await page.pdf({ path: "large.pdf", format: "A4", timeout: 120_000 });
  await page.emulateMediaType("screen");
});
await shows("a step of a long trace takes less than 50 ms, and its page less than 2 MiB", async () => {
  assert.ok(statSync("large.html").size < 2 << 20, `${statSync("large.html").size} bytes`);
  await open("large");
  // The processor's time and not the clock's: what else runs on the machine does not count.
  const cdp = await page.createCDPSession();
  await cdp.send("Performance.setTimeDomain", { timeDomain: "threadTicks" });
  await cdp.send("Performance.enable");
  const spent = async () => {
    const { metrics } = await cdp.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration").value;
  };
  const before = await spent();
  await page.evaluate(async () => {
    const execution = currentExecution();
    if (execution.steps.length < 400 || parts.lanes.length < 12) throw new Error(`${execution.steps.length} steps, ${parts.lanes.length} lanes`);
    show({ step: -1 });
    for (let i = 0; i < 500; i += 1) {
      go(i < 400 ? 1 : -1);
      await new Promise(requestAnimationFrame);
    }
  });
  const took = ((await spent()) - before) * 1000 / 500;
  console.log(`   a step takes ${took.toFixed(1)} ms`);
  assert.ok(took < 50);
});
await shows("a key that is held down writes the address now and then, and where it ends", async () => {
  await open("large");
  const [written, took] = await page.evaluate(async () => {
    const [write, begin] = [history.replaceState, performance.now()];
    let written = 0;
    history.replaceState = (...place) => { written += 1; write.apply(history, place); };
    for (let i = 0; i < 100; i += 1) {
      go(-1);
      await new Promise(requestAnimationFrame);
    }
    const took = performance.now() - begin;
    return [written, took];
  });
  assert.ok(written <= 2 + took / 100, `${written} times in ${took} ms`);
  const place = `#0.0.${await step()}`;
  await page.waitForFunction((place) => location.hash === place, {}, place);
});
await shows("no text of a scenario is run", async () => {
  await open("hostile");
  assert.equal(await page.evaluate(() => window.broken), undefined);
  assert.match(await text(".about"), /<\/script><script>/);
});
await shows("the list of pages leads to each", async () => {
  await open("pages/index");
  await Promise.all([page.waitForNavigation(), page.click(".list a")]);
  assert.ok(await count("table.lanes") === 1);
});

// ---- `explore`: the page from which one asks what follows -----------------------------------------------------------------

async function explores(file, ...more) {
  const server = spawn(process.argv[3], ["explore", file, ...more], { stdio: ["ignore", "pipe", "inherit"] });
  const address = String(await once(server.stdout, "data")).split("\n")[0];
  served = address.split("#")[0];
  await page.setViewport({ width: 1280, height: 900 });
  await page.goto("about:blank");
  await page.goto(address);
  return server;
}

/** Does something, and waits until its answer is drawn. */
const answered = async (act) => {
  await act();
  await page.waitForFunction(() => !explorer.busy);
};
const options = () => page.$$eval(".options button", (all) => all.map((b) => b.textContent));
const ends = async (server) => {
  server.kill("SIGINT");
  await once(server, "exit");
};

let server = await explores("deadlock.kdl");
await shows("what can be chosen is listed, with its operation and line", async () => {
  const [flip, copy, ...others] = await options();
  assert.match(flip, /^1flip.*lock fb0.*deadlock\.kdl:5$/);
  assert.match(copy, /^2copy.*lock fb1.*deadlock\.kdl:6$/);
  assert.equal(others.length, 0);
});
await shows("a number takes a step", async () => {
  await answered(() => press("1"));
  assert.equal(await step(), 1);
  assert.match(await text(".lanes tbody tr:not(.mark) .op"), /lock fb0/);
});
await shows("a click takes another", async () => {
  await answered(() => page.$$eval(".options button", (all) => all[1].click()));
  assert.equal(await step(), 2);
  assert.match(await text(".lanes tbody tr:nth-child(2)"), /lock fb1/);
});
await shows("w leads to what is wrong", async () => {
  await answered(() => press("w"));
  assert.match(await text(".card.next [role=status]"), /flip and copy can never go on/);
  assert.match(await text(".lanes tbody tr.mark.bad"), /flip and copy can never go on/);
  assert.equal((await options()).length, 0);
  assert.equal(await count("svg path.circle"), 4);
});
const deadlock = await page.evaluate(() => currentExecution().token);
await shows("what led there can be replayed", async () => {
  const replay = spawn(process.argv[3], ["replay", "deadlock.kdl", deadlock], { stdio: ["ignore", "pipe", "inherit"] });
  assert.match(String(await once(replay.stdout, "data")), /deadlock/);
});
await shows("arrows go back without a question, and what was taken is marked", async () => {
  await press("Home");
  assert.equal(await step(), 0);
  assert.match(await text(".options .gone"), /flip/);
  await press("1");
  assert.equal(await step(), 1);
  assert.equal(await page.$$eval("select option", (all) => all.length), 1);
});
await shows("who turns off keeps the way that was gone", async () => {
  await press("Home");
  await answered(() => press("2"));
  assert.equal(await step(), 1);
  assert.deepEqual(await page.$$eval("select option", (all) => all.map((o) => o.textContent.split(":")[0])), ["way 1", "way 2"]);
  await press("b");
  assert.match(await text(".story-card h2"), /went wrong/);
  await press("n");
});
await shows("g leads to an end at which all is well", async () => {
  await answered(() => press("g"));
  assert.match(await text(".card.next [role=status]"), /nothing is wrong/);
  assert.match(await text(".card.next [role=alert]"), /no shorter way/);
});
await shows("a whole operation may be taken at a time", async () => {
  await press("Home");
  await press("o");
  await answered(() => press("1"));
  const taken = await page.evaluate(() => currentExecution().steps.map((s) => [s.t, s.op, s.end]));
  assert.ok(taken.every(([t, op]) => t === 0 && op === "lock fb0") && taken.at(-1)[2] === "done", `${taken}`);
  await press("o");
});
await shows("where nothing is found, that is said and nothing moves", async () => {
  await press("Home");
  await answered(() => press("w"));
  await press("End");
  const before = await step();
  await answered(() => press("e"));
  assert.equal(await step(), before);
  assert.match(await text(".card.next [role=alert]"), /it is over here/);
});
await shows("the lines at which somebody would go on are marked", async () => {
  await press("Home");
  assert.ok(await count(".lines .next") >= 1);
});
await shows("the page loaded anew is where it was", async () => {
  await press("End");
  await page.waitForFunction(() => location.hash === explorer.place());
  const [hash, steps] = [await page.evaluate(() => location.hash), await step()];
  await page.reload();
  await page.waitForFunction(() => !explorer.busy && at.step >= 0);
  assert.equal(await page.evaluate(() => location.hash), hash);
  assert.equal(await step(), steps);
});
for (const width of [1280, 800, 400]) {
  await shows(`choices fit into a window of ${width}`, async () => {
    await page.setViewport({ width, height: 900 });
    const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wide <= room, `${wide} of ${room}`);
    await page.screenshot({ path: `explore-${width}.png` });
  });
}
await shows("an address that leads nowhere is told", async () => {
  const before = complaints.length;
  await page.goto(`${served}#0.3.F1X2`);
  await page.reload();
  await page.waitForFunction(() => explorer.said !== null);
  assert.match(await text(".card.next [role=alert]"), /no thread has the letter/);
  // The browser notes that a question was refused.
  complaints.splice(before);
});
await ends(server);
await shows("who asks when it has ended is told", async () => {
  const before = complaints.length;
  await press("Home");
  await answered(() => press("1"));
  assert.match(await text(".card.next [role=alert]"), /has ended/);
  complaints.splice(before);
});
server = await explores("deadlock.kdl", "--replay", deadlock);
await shows("it begins with a token's schedule", async () => {
  await page.waitForFunction(() => !explorer.busy && at.step >= 0);
  assert.match(await text(".card.next [role=status]"), /flip and copy can never go on/);
});
await ends(server);
server = await explores("hostile.kdl");
await shows("no text of a scenario is run here either", async () => {
  await answered(() => press("1"));
  assert.equal(await page.evaluate(() => window.broken), undefined);
});
await ends(server);
server = await explores("large.kdl");
await shows("a step at the end of a long way is taken within half a second", async () => {
  await answered(() => press("e"));
  assert.ok(await page.evaluate(() => currentExecution().steps.length) >= 400);
  await press("ArrowUp");
  const began = performance.now();
  await page.evaluate(() => { currentExecution().steps.pop(); currentExecution().taken -= 1; });
  await answered(() => press("1"));
  const took = performance.now() - began;
  console.log(`   a step takes ${took.toFixed(0)} ms`);
  assert.ok(took < 500);
});
await ends(server);

await browser.close();

// Mermaid wants a document to be there before it is read.
const { window } = new JSDOM("");
Object.assign(globalThis, { window, document: window.document });
const { default: mermaid } = await import("mermaid");
for (const [name, kind] of [["sequence", "sequence"], ["waits", "flowchart-v2"]]) {
  await shows(`Mermaid reads ${name}`, async () => {
    assert.equal((await mermaid.parse(readFileSync(`${name}.mermaid`, "utf8"))).diagramType, kind);
  });
}
console.log(`${done} as they should be`);
