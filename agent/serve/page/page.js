/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page.js - the page of `sysscope serve`: findings, lists, a container's detail, the last hour. Asks /api/v1/ every few seconds while
 * somebody looks. Every text is set as text; a value that is not there is a dash. Rows of a list are made only where one can see them.
 */
"use strict";

const EVERY_MS = 3000, MOST_MS = 60000, HOUR_MS = 60000, ANSWER_MS = 20000, ROW_PX = 30, ROWS_BEYOND = 8, FINDINGS_SHOWN = 5;
const $ = (id) => document.getElementById(id);

/* ---- values as text ---- */

const known = (v) => typeof v === "number" && isFinite(v);
const fixed = (v, digits) => known(v) ? v.toFixed(digits) : "-";
const whole = (v) => known(v) ? String(Math.round(v)) : "-";
const cores = (v) => fixed(v, 2);
const percent = (v) => !known(v) ? "-" : (v * 100).toFixed(v > 0 && v < 0.0995 ? 1 : 0) + " %";
function bytes(v) {
	if (!known(v))
		return "-";
	let unit = 0;
	for (; v >= 1000 && unit < 5; unit++)
		v /= 1024;
	return (unit && v < 9.95 ? v.toFixed(1) : v.toFixed(0)) + "BKMGTP"[unit];
}
const speed = (v) => known(v) ? bytes(v) + "/s" : "-";
function time(v) {
	if (!known(v))
		return "-";
	if (v >= 100)
		return v.toFixed(0) + " s";
	if (v >= 1)
		return v.toFixed(1) + " s";
	return v >= 0.001 ? (v * 1000).toFixed(v < 0.00995 ? 1 : 0) + " ms" : (v * 1e6).toFixed(0) + " µs";
}
const two = (n) => String(n).padStart(2, "0");
function clock(seconds) {
	const d = new Date(seconds * 1000);
	return two(d.getHours()) + ":" + two(d.getMinutes()) + ":" + two(d.getSeconds());
}

/* ---- elements ---- */

function element(name, text, className) {
	const e = document.createElement(name);
	if (text !== undefined)
		e.textContent = text;
	if (className)
		e.className = className;
	return e;
}
function say(e, text) {
	if (e.textContent !== text)
		e.textContent = text;
}
function facts(list, pairs) {
	while (list.children.length > pairs.length)
		list.lastChild.remove();
	pairs.forEach(([name, value], i) => {
		if (!list.children[i]) {
			const box = element("div");
			box.append(element("dt"), element("dd"));
			list.append(box);
		}
		say(list.children[i].firstChild, name);
		say(list.children[i].lastChild, value);
		list.children[i].className = value.length > 24 ? "long" : "";
	});
}

/* ---- the lists ---- */

const idOf = (c) => c.id || c.cgroup || c.name;
const link = (id) => "#container=" + encodeURIComponent(id);
/* The runtime of a container, else its kind; a state other than "running" matters more. */
const kindOf = (c) => c.state && c.state !== "running" ? c.state : c.kind === "container" && c.runtime ? c.runtime : c.kind || "-";
const ratioOf = (key) => (r) => r.pressure_ratio ? r.pressure_ratio[key] : null;

/* key: of the row; of: the value where it is not row[key]; rank: 1 is shown on a telephone, 4 on a wide screen only. */
const views = {
	containers: {
		title: "Containers, services and everything else that runs", name: "Containers", sort: "cpu_cores",
		keys: "name,id,kind,runtime,state,cgroup,image,pod,namespace,cpu_cores,cpu_limit_cores,throttled_ratio," +
			"runq_wait_seconds_per_second,memory_bytes,memory_limit_bytes,memory_limit_ratio,pressure_ratio,processes,threads," +
			"oom_kills_total,start_time,disk_read_bytes_per_second,disk_write_bytes_per_second,network_receive_bytes_per_second," +
			"network_transmit_bytes_per_second",
		id: idOf, link: idOf, text: (c) => [c.name, c.image, c.pod, c.namespace, c.id, kindOf(c)],
		gone: (c) => c.state !== "running",
		columns: [
			{key: "name", title: "Name", text: true, rank: 1},
			{key: "kind", title: "Kind", text: true, of: kindOf, rank: 3, width: "w4"},
			{key: "cpu_cores", title: "CPU", say: cores, rank: 1, width: "w3", help: "CPUs in use"},
			{key: "cpu_limit_cores", title: "Limit", say: cores, rank: 4, width: "w3", help: "CPUs that it may use"},
			{key: "throttled_ratio", title: "Throttled", say: percent, alarm: (v) => v > 0.25, rank: 2, width: "w4", help: "share of periods in which its CPU quota ran out"},
			{key: "runq_wait_seconds_per_second", title: "CPU wait", say: time, rank: 1, width: "w4", help: "how long its threads waited for a CPU in each second, all added up"},
			{key: "memory_bytes", title: "Memory", say: bytes, rank: 1, width: "w4"},
			{key: "memory_limit_ratio", title: "Of limit", say: percent, alarm: (v) => v > 0.9, rank: 3, width: "w4", help: "memory in use, of what it may use"},
			{key: "disk", title: "Disk", say: speed, of: (c) => known(c.disk_read_bytes_per_second) || known(c.disk_write_bytes_per_second) ? (c.disk_read_bytes_per_second || 0) + (c.disk_write_bytes_per_second || 0) : null, rank: 4, width: "w4", help: "read and written"},
			{key: "network", title: "Network", say: speed, of: (c) => known(c.network_receive_bytes_per_second) || known(c.network_transmit_bytes_per_second) ? (c.network_receive_bytes_per_second || 0) + (c.network_transmit_bytes_per_second || 0) : null, rank: 4, width: "w4", help: "received and sent"},
			{key: "processes", title: "Procs", say: whole, rank: 4, width: "w3", help: "processes"},
			{key: "oom_kills_total", title: "OOM kills", say: whole, alarm: (v) => v > 0, rank: 4, width: "w4", help: "processes that the kernel killed as memory ran out"},
		],
	},
	loops: {
		title: "Event loops", name: "Event loops", sort: "longest_iteration_seconds",
		keys: "pid,tid,comm,thread,container,container_cgroup,kind,utilization,iterations_per_second,iteration_p99_seconds,longest_iteration_seconds,stalls_total",
		id: (l) => l.pid + "/" + l.tid, link: (l) => l.container_cgroup || l.container, text: (l) => [l.container, l.comm, l.thread, String(l.pid)],
		columns: [
			{key: "container", title: "Container", text: true, rank: 1},
			{key: "comm", title: "Program", text: true, rank: 2, width: "w5"},
			{key: "tid", title: "Thread", say: whole, rank: 3, width: "w4"},
			{key: "utilization", title: "Busy", say: percent, rank: 1, width: "w4", help: "share of the time in which it does not wait for events"},
			{key: "iterations_per_second", title: "Turns/s", say: whole, rank: 4, width: "w4"},
			{key: "iteration_p99_seconds", title: "P99", say: time, rank: 2, width: "w4", help: "99 of 100 turns are shorter"},
			{key: "longest_iteration_seconds", title: "Longest", say: time, rank: 1, width: "w4", help: "the longest turn: so long nobody was served"},
			{key: "stalls_total", title: "Stalls", say: whole, alarm: (v) => v > 0, rank: 1, width: "w3"},
		],
	},
	neighbours: {
		title: "Who ran while somebody waited for a CPU", name: "Neighbours", sort: "wait_seconds_per_second",
		keys: "waiter,waiter_cgroup,runner,runner_cgroup,wait_seconds_per_second,wait_ratio,wait_seconds_total,meetings_total",
		id: (n) => (n.waiter_cgroup || n.waiter) + "\n" + (n.runner_cgroup || n.runner), link: (n) => n.waiter_cgroup || n.waiter, text: (n) => [n.waiter, n.runner],
		columns: [
			{key: "waiter", title: "Waited", text: true, rank: 1},
			{key: "runner", title: "Ran instead", text: true, rank: 1, width: "wide"},
			{key: "wait_seconds_per_second", title: "Wait", say: time, rank: 1, width: "w4", help: "in each second"},
			{key: "wait_ratio", title: "Share", say: percent, rank: 3, width: "w4", help: "of all that it waited for a CPU"},
			{key: "wait_seconds_total", title: "Total", say: time, rank: 3, width: "w4"},
		],
	},
	hour: {name: "Last hour"},
};

const shown = {view: "containers", filter: "", sort: {}, rows: [], all: [], detail: null, containers: []};
for (const name in views)
	shown.sort[name] = {key: views[name].sort, down: true};
const valueOf = (column, row) => column.of ? column.of(row) : row[column.key];

function compare(column, down) {
	const sign = down ? -1 : 1;
	return (a, b) => {
		const x = valueOf(column, a), y = valueOf(column, b);
		if (column.text)
			return sign * String(x || "").localeCompare(String(y || ""));
		/* What is not known is last, however it is sorted. */
		return known(x) && known(y) ? sign * (x - y) : known(x) ? -1 : known(y) ? 1 : 0;
	};
}

function listArrange() {
	const view = views[shown.view], sort = shown.sort[shown.view], words = shown.filter.toLowerCase();
	const column = view.columns.find((c) => c.key === sort.key);
	shown.rows = shown.all.filter((r) => !words || view.text(r).some((t) => t && t.toLowerCase().includes(words)));
	shown.rows.sort(compare(column, sort.down));
	const n = shown.rows.length, all = shown.all.length;
	say($("count"), words ? n + " of " + all + " rows fit the filter" : all + (all === 1 ? " row" : " rows"));
	listDraw();
}

function headDraw() {
	const view = views[shown.view], sort = shown.sort[shown.view];
	say($("caption"), view.title);
	$("head").replaceChildren(...view.columns.map((c) => {
		const th = element("th", undefined, "c" + c.rank + (c.text ? " text " : " ") + (c.width || "")), button = element("button", c.title);
		th.scope = "col";
		button.type = "button";
		if (c.help)
			button.title = c.help;
		if (c.key === sort.key)
			th.setAttribute("aria-sort", sort.down ? "descending" : "ascending");
		button.addEventListener("click", () => {
			const same = sort.key === c.key;
			sort.down = same ? !sort.down : !c.text;
			sort.key = c.key;
			headDraw();
			listArrange();
			$("head").children[view.columns.indexOf(c)].firstChild.focus();
		});
		th.append(button);
		return th;
	}));
}

const made = new Map(); /* of the rows that one can see: their element by their id */

function rowMake(view) {
	const tr = element("tr");
	view.columns.forEach((c, i) => {
		const cell = element(i ? "td" : "th", undefined, "c" + c.rank + (c.text ? " text" : ""));
		if (!i) {
			cell.scope = "row";
			cell.append(element("a"));
		}
		tr.append(cell);
	});
	return tr;
}

function rowFill(tr, view, row, index) {
	view.columns.forEach((c, i) => {
		const v = valueOf(c, row), text = c.text ? String(v === null || v === undefined || v === "" ? "-" : v) : c.say(v), cell = tr.children[i];
		if (!i) {
			const href = link(view.link(row));
			if (cell.firstChild.getAttribute("href") !== href)
				cell.firstChild.setAttribute("href", href);
			say(cell.firstChild, text);
		} else
			say(cell, text);
		if (c.text && cell.title !== text)
			cell.title = text;
		if (c.alarm)
			cell.classList.toggle("alarm", known(v) && c.alarm(v));
	});
	tr.classList.toggle("gone", !!view.gone && view.gone(row));
	tr.setAttribute("aria-rowindex", index + 2);
	tr.dataset.index = index;
}

/* One cell: with more of them than columns are shown the table would get columns of its own. */
function space(e, px) {
	e.className = "space";
	e.setAttribute("aria-hidden", "true");
	if (!e.firstChild)
		e.append(element("td"));
	e.style.height = px + "px";
	e.hidden = !px;
	return e;
}
const above = element("tr"), below = element("tr");

/* Only what one can see, and a little beyond; room for the others. Elements stay with their rows, and so does the focus. */
function listDraw() {
	const view = views[shown.view], body = $("rows"), box = $("scroll"), n = shown.rows.length;
	if (!view.columns)
		return;
	const first = Math.max(0, Math.min(Math.floor(box.scrollTop / ROW_PX) - ROWS_BEYOND, n - 1));
	const last = Math.min(n, first + Math.ceil((box.clientHeight || 600) / ROW_PX) + 2 * ROWS_BEYOND);
	const focused = body.contains(document.activeElement) ? document.activeElement : null;
	const want = [space(above, first * ROW_PX)], before = new Map(made);
	made.clear();
	for (let i = first; i < last; i++) {
		let id = view.id(shown.rows[i]);
		while (made.has(id))
			id += "\n";
		const tr = before.get(id) || rowMake(view);
		before.delete(id);
		rowFill(tr, view, shown.rows[i], i);
		made.set(id, tr);
		want.push(tr);
	}
	want.push(space(below, (n - last) * ROW_PX));
	before.forEach((tr) => tr.remove());
	want.forEach((tr, i) => {
		if (body.children[i] !== tr)
			body.insertBefore(tr, body.children[i] || null);
	});
	$("table").setAttribute("aria-rowcount", n + 1);
	if (focused && document.activeElement !== focused)
		body.contains(focused) ? focused.focus({preventScroll: true}) : box.focus({preventScroll: true});
}

function listClear() {
	made.clear();
	$("rows").replaceChildren();
}

function rowFocus(index) {
	const box = $("scroll"), head = $("head").offsetHeight, top = index * ROW_PX;
	if (index < 0 || index >= shown.rows.length)
		return;
	if (top < box.scrollTop)
		box.scrollTop = top;
	else if (top + ROW_PX > box.scrollTop + box.clientHeight - head)
		box.scrollTop = top + ROW_PX - box.clientHeight + head;
	listDraw();
	const tr = [...$("rows").children].find((e) => e.dataset.index === String(index));
	if (tr)
		tr.querySelector("a").focus({preventScroll: true});
}

function viewShow(name) {
	shown.view = name;
	shown.all = [];
	for (const b of $("views").children)
		b.setAttribute("aria-pressed", b.dataset.view === name);
	const lists = !!views[name].columns;
	$("scroll").hidden = $("filter-label").hidden = $("count").hidden = !lists;
	$("hour").hidden = lists;
	listClear();
	if (lists) {
		headDraw();
		$("scroll").scrollTop = 0;
		say($("count"), "");
	}
	poll.now();
}

/* ---- findings ---- */

const opened = new Map(); /* what somebody opened or closed, by what the finding is about */
const aboutOf = (f) => [f.rule, f.container_cgroup || f.container, f.process ? f.process.pid : ""].join();

/* The worst one is open. */
function findingElement(f, i) {
	const box = element("details", undefined, "finding " + f.severity), head = element("summary"), evidence = element("ul");
	head.append(element("span", f.severity, "severity"), element("h3", f.headline));
	box.open = opened.has(aboutOf(f)) ? opened.get(aboutOf(f)) : !i;
	head.addEventListener("click", () => opened.set(aboutOf(f), !box.open));
	for (const e of f.evidence || [])
		evidence.append(element("li", e.text));
	box.append(head, evidence);
	for (const a of f.advice || [])
		box.append(element("p", "→ " + a, "advice"));
	if ((f.explains || []).length || f.explains_more)
		box.append(element("p", "It explains: " + f.explains.map((e) => e.headline).join("; ") + (f.explains_more ? "; and " + f.explains_more + " more" : "")));
	const foot = element("p", "Since " + clock(f.since) + ", confidence " + f.confidence + ". ");
	if (f.container_cgroup || f.container) {
		const a = element("a", "Detail of " + f.container);
		a.href = link(f.container_cgroup || f.container);
		foot.append(a);
	}
	box.append(foot);
	return box;
}

function findingsDraw(d) {
	const list = d.findings, box = $("findings"), watched = Math.round(d.watched_seconds), text = JSON.stringify(list);
	let said = list.length === 0 ? "Nothing is wrong" : list.length + (list.length === 1 ? " finding: " : " findings: ") + list.slice(0, 3).map((f) => f.headline).join("; ");
	let note = "Watched the latest " + watched + " s: " + d.looked_at.containers + " containers and services, " + d.looked_at.processes + " processes.";
	if (d.watched_seconds < 2) {
		said = note = "Watching; after two seconds it says what is wrong.";
	} else if (!list.length)
		note = "Nothing is wrong. " + note + ((d.closest || []).length ? " Closest: " + d.closest[0].text + "." : "");
	else if (list.length > FINDINGS_SHOWN)
		note += " The worst " + FINDINGS_SHOWN + " of " + list.length + " are shown; `sysscope diagnose --all` prints all.";
	say($("findings-note"), note);
	$("findings-note").className = d.watched_seconds >= 2 && !list.length ? "fine" : "";
	/* Read aloud only when it is about something else, not at each new number. */
	const about = list.map((f) => [f.rule, f.severity, f.container_cgroup, f.container].join()).join("\n") + (d.watched_seconds < 2);
	if (findingsDraw.about !== about)
		say($("findings-said"), said);
	findingsDraw.about = about;
	if (findingsDraw.text !== text) {
		const at = [...box.querySelectorAll("summary, a")].indexOf(document.activeElement), same = findingsDraw.drawn === about;
		box.replaceChildren(...list.slice(0, FINDINGS_SHOWN).map(findingElement));
		if (at >= 0 && same)
			box.querySelectorAll("summary, a")[at]?.focus({preventScroll: true});
		findingsDraw.drawn = about;
	}
	findingsDraw.text = text;
	findingsDraw.list = list;
}

/* ---- charts ---- */

const SVG = "http://www.w3.org/2000/svg", WIDTH = 600, HEIGHT = 100;

function svgElement(name, attributes) {
	const e = document.createElementNS(SVG, name);
	for (const key in attributes)
		e.setAttribute(key, attributes[key]);
	return e;
}

/* A course; where there is no value there is a hole, and one point between two holes is a dot. */
function chart(title, values, from, to, show, top) {
	const box = element("figure"), seen = values.filter(known), most = Math.max(top || 0, ...seen, 1e-9);
	const x = (i) => (i / Math.max(values.length - 1, 1) * WIDTH).toFixed(1), y = (v) => (HEIGHT - v / most * HEIGHT).toFixed(1);
	let path = "", dots = "", open = false;
	values.forEach((v, i) => {
		if (known(v)) {
			path += (open ? "L" : "M") + x(i) + " " + y(v);
			if (!open && !known(values[i + 1]))
				dots += "M" + x(i) + " " + y(v) + "h0";
		}
		open = known(v);
	});
	const latest = seen.length ? show(seen[seen.length - 1]) : "-", highest = seen.length ? show(Math.max(...seen)) : "-";
	const text = "latest " + latest + ", highest " + highest;
	const svg = svgElement("svg", {viewBox: "0 -4 " + WIDTH + " " + (HEIGHT + 8), preserveAspectRatio: "none", role: "img", "aria-label": title + " from " + clock(from) + " to " + clock(to) + ": " + text});
	for (const at of [0, HEIGHT / 2, HEIGHT])
		svg.append(svgElement("line", {x1: 0, x2: WIDTH, y1: at, y2: at}));
	svg.append(svgElement("path", {d: path || "M0 0"}), svgElement("path", {d: dots || "M0 0", class: "dot"}));
	const axis = element("div", undefined, "axis");
	axis.append(element("span", clock(from)), element("span", "top: " + show(most)), element("span", clock(to)));
	box.append(element("figcaption", title), element("p", seen.length ? text : "not known in this time"), svg, axis);
	return box;
}

const hostCharts = [
	{metric: "cpu_cores", title: "CPUs in use", show: cores}, {metric: "memory_used_bytes", title: "Memory in use", show: bytes},
	{metric: "pressure_ratio.cpu_some", title: "Time in which something waited for a CPU", show: percent, top: 1},
	{metric: "pressure_ratio.io_some", title: "Time in which something waited for a disk", show: percent, top: 1},
];
const containerCharts = [
	{metric: "cpu_cores", title: "CPUs in use", show: cores}, {metric: "runq_wait_seconds_per_second", title: "Waiting for a CPU, each second", show: time},
	{metric: "throttled_ratio", title: "Throttled periods", show: percent, top: 1}, {metric: "memory_bytes", title: "Memory", show: bytes},
];

/* Answers what it says when there is no recording. */
async function chartsDraw(box, charts, container) {
	const query = "metric=" + charts.map((c) => c.metric).join(",") + (container ? "&container=" + encodeURIComponent(container) : "");
	if ($("main").dataset.recorded !== "yes")
		return "nothing is recorded; `sysscope serve --record.path DIR` keeps what happens, and shows it here";
	const r = await ask("range?" + query, true);
	if (r.error)
		return r.error;
	box.replaceChildren(...charts.map((c) => {
		const s = r.series.find((one) => one.metric === c.metric);
		return chart(c.title, s ? s.values : [], r.from, r.to, c.show, c.top);
	}));
	return "";
}

/* ---- a container ---- */

const find = (id) => shown.containers.find((c) => c.id === id) || shown.containers.find((c) => c.cgroup === id) || shown.containers.find((c) => c.name === id);

function detailDraw() {
	if (!shown.detail)
		return;
	const c = find(shown.detail);
	if (!c) {
		say($("detail-title"), "This container is not there");
		facts($("detail-facts"), []);
		say($("detail-note"), shown.containers.length ? "No container of this machine has the name, id or path of the link now. It may have ended." : "");
		return;
	}
	const pressure = (key) => percent(ratioOf(key)(c));
	say($("detail-title"), c.name + ", " + kindOf(c));
	facts($("detail-facts"), [
		["CPU", cores(c.cpu_cores) + (known(c.cpu_limit_cores) ? " of " + cores(c.cpu_limit_cores) : "")],
		["Throttled periods", percent(c.throttled_ratio)],
		["Waits for a CPU, each second", time(c.runq_wait_seconds_per_second)],
		["Memory", bytes(c.memory_bytes) + (known(c.memory_limit_bytes) ? " of " + bytes(c.memory_limit_bytes) : "")],
		["Of its memory limit", percent(c.memory_limit_ratio)],
		["OOM kills", whole(c.oom_kills_total)],
		["Pressure: CPU, memory, disk", pressure("cpu_some") + ", " + pressure("memory_some") + ", " + pressure("io_some")],
		["Disk read, written", speed(c.disk_read_bytes_per_second) + ", " + speed(c.disk_write_bytes_per_second)],
		["Network received, sent", speed(c.network_receive_bytes_per_second) + ", " + speed(c.network_transmit_bytes_per_second)],
		["Processes, threads", whole(c.processes) + ", " + whole(c.threads)],
		["Running since", known(c.start_time) ? new Date(c.start_time * 1000).toLocaleString() : "-"],
		["Image", c.image || "-"], ["Pod", c.pod || "-"], ["Id", c.id || "-"], ["Cgroup", c.cgroup || "-"],
	]);
}

function detailShow() {
	const found = /^#container=(.+)$/.exec(location.hash);
	let id = null;
	try {
		id = found && decodeURIComponent(found[1]);
	} catch (e) {
		id = found[1];
	}
	if (id === shown.detail)
		return;
	shown.detail = id;
	$("detail").hidden = !id;
	$("detail-charts").replaceChildren();
	say($("detail-note"), "");
	if (!id)
		return;
	detailDraw();
	$("detail-title").focus();
	poll.now();
}

function detailClose() {
	const id = shown.detail, index = shown.rows.findIndex((r) => views[shown.view].link(r) === id);
	if (!id)
		return;
	history.pushState(null, "", location.pathname + location.search);
	detailShow();
	index >= 0 ? rowFocus(index) : $("scroll").focus();
}

/* ---- asking ---- */

class Refused extends Error {
	constructor(text, after) {
		super(text);
		this.after = after;
	}
}

/* `soft`: an error of the API is an answer, too. */
async function ask(path, soft) {
	const end = new AbortController(), timer = setTimeout(() => end.abort(), ANSWER_MS);
	asking.add(end);
	try {
		const r = await fetch("api/v1/" + path, {signal: end.signal, cache: "no-store"});
		const d = await r.json().catch(() => ({error: "it answers " + r.status}));
		if (!r.ok && (!soft || r.status === 429))
			throw new Refused(d.error || "it answers " + r.status, Number(r.headers.get("Retry-After")) || 0);
		return r.ok ? d : {error: d.error || "it answers " + r.status, status: r.status};
	} finally {
		clearTimeout(timer);
		asking.delete(end);
	}
}
const asking = new Set();

function machineDraw(d) {
	const h = d.host, lost = Object.entries(d.losses || {}).filter(([, n]) => n > 0);
	say($("host"), h.hostname || "");
	document.title = (h.hostname ? h.hostname + " - " : "") + "sysscope";
	facts($("machine"), [
		["CPUs in use", cores(h.cpu_cores) + " of " + whole(h.cpus)], ["Memory in use", bytes(h.memory_used_bytes) + " of " + bytes(h.memory_bytes)],
		["Stolen", percent(h.steal_ratio)], ["Waited for a CPU", percent(ratioOf("cpu_some")(h))], ["Waited for a disk", percent(ratioOf("io_some")(h))],
		["Containers, processes", whole(h.containers) + ", " + whole(h.processes)], ["Kernel", h.kernel || "-"],
		["Lost", lost.length ? lost.map(([kind, n]) => kind + " " + n).join(", ") : "nothing lost"],
	]);
}

async function recordedDraw() {
	if (Date.now() - recordedDraw.at < HOUR_MS && recordedDraw.of === shown.view + shown.detail)
		return;
	recordedDraw.at = Date.now();
	recordedDraw.of = shown.view + shown.detail;
	if (shown.view === "hour") {
		const said = await chartsDraw($("hour"), hostCharts);
		if (said)
			$("hour").replaceChildren(element("p", "No charts: " + said + "."));
	}
	if (shown.detail && find(shown.detail)) {
		const of = shown.detail, said = await chartsDraw($("detail-charts"), containerCharts, of);
		say($("detail-note"), said && of === shown.detail ? "No charts: " + said + "." : "");
	}
}
recordedDraw.at = 0;

async function refresh() {
	const name = views[shown.view].columns ? shown.view : "host", view = views[name], turn = shown.view;
	const d = await ask("snapshot?view=" + name + (view ? "&keys=" + view.keys : ""));
	if (turn !== shown.view)
		return;
	if (name === "containers")
		shown.containers = d.containers;
	else if (shown.detail)
		shown.containers = (await ask("snapshot?view=containers&keys=" + views.containers.keys)).containers;
	machineDraw(d);
	if (view) {
		shown.all = d[name];
		listArrange();
	}
	detailDraw();
	poll.seen = d.time;
	if (!poll.unjudged) {
		const f = await ask("findings", true);
		if (f.error) {
			say($("findings-note"), "No findings: " + f.error + ".");
			poll.unjudged = f.status === 404;
		} else
			findingsDraw(f);
	}
	await recordedDraw();
}

/* One turn after the other: after an error later and later, and none while nobody looks. */
const poll = {
	timer: 0, busy: false, again: false, unjudged: false, failures: 0, seen: 0, answered: 0,
	now() {
		clearTimeout(poll.timer);
		poll.busy ? poll.again = true : poll.turn();
	},
	async turn() {
		let wait = EVERY_MS;
		if (document.hidden)
			return;
		poll.busy = true;
		poll.again = false;
		try {
			await refresh();
			poll.failures = 0;
			poll.answered = Date.now() / 1000;
			poll.live(true, "live, sample of " + clock(poll.seen));
			$("trouble").hidden = true;
		} catch (e) {
			if (!document.hidden) {
				poll.failures++;
				wait = Math.max(Math.min(EVERY_MS * 2 ** poll.failures, MOST_MS), (e.after || 0) * 1000);
				poll.live(false, "not live");
				say($("trouble"), (poll.answered ? "No answer since " + clock(poll.answered) : "No answer so far") + (e instanceof Refused ? ": " + e.message : "") +
					". What is shown is of then. The next try is at " + clock((Date.now() + wait) / 1000) + ".");
				$("trouble").hidden = false;
			}
		}
		poll.busy = false;
		clearTimeout(poll.timer);
		if (!document.hidden)
			poll.timer = setTimeout(poll.turn, poll.again ? 0 : wait);
	},
	live(yes, text) {
		document.body.classList.toggle("stale", !yes);
		$("state").className = yes ? "live" : "";
		say($("state"), text);
	},
};

/* ---- keys and clicks ---- */

document.addEventListener("keydown", (e) => {
	const typing = e.target === $("filter"), row = e.target.closest && e.target.closest("#rows tr");
	if (e.ctrlKey || e.altKey || e.metaKey)
		return;
	if (e.key === "/" && !typing && !$("filter-label").hidden) {
		e.preventDefault();
		$("filter").focus();
		$("filter").select();
	} else if (e.key === "Escape") {
		if (typing && $("filter").value) {
			$("filter").value = shown.filter = "";
			listArrange();
		} else if (typing)
			$("scroll").focus();
		else
			detailClose();
	} else if (typing && (e.key === "Enter" || e.key === "ArrowDown")) {
		e.preventDefault();
		rowFocus(0);
	} else if (row && (e.key === "ArrowDown" || e.key === "ArrowUp")) {
		e.preventDefault();
		rowFocus(Number(row.dataset.index) + (e.key === "ArrowDown" ? 1 : -1));
	} else if (row && (e.key === "Home" || e.key === "End")) {
		e.preventDefault();
		rowFocus(e.key === "Home" ? 0 : shown.rows.length - 1);
	} else if (e.target === $("scroll") && e.key === "ArrowDown") {
		e.preventDefault();
		rowFocus(Math.floor($("scroll").scrollTop / ROW_PX));
	} else if (!typing && Object.keys(views)[Number(e.key) - 1])
		viewShow(Object.keys(views)[Number(e.key) - 1]);
});

for (const name in views) {
	const b = element("button", views[name].name);
	b.type = "button";
	b.dataset.view = name;
	b.addEventListener("click", () => viewShow(name));
	$("views").append(b);
}
let drawing = 0;
$("scroll").addEventListener("scroll", () => {
	if (!drawing)
		drawing = requestAnimationFrame(() => {
			drawing = 0;
			listDraw();
		});
});
$("filter").addEventListener("input", () => {
	shown.filter = $("filter").value;
	$("scroll").scrollTop = 0;
	listArrange();
});
$("detail-close").addEventListener("click", detailClose);
window.addEventListener("hashchange", detailShow);
window.addEventListener("popstate", detailShow);
window.addEventListener("resize", listDraw);
document.addEventListener("visibilitychange", () => {
	if (document.hidden) {
		clearTimeout(poll.timer);
		asking.forEach((end) => end.abort());
	} else
		poll.now();
});
viewShow("containers");
detailShow();
