// The dashboard's fleets that size themselves: how large, why, what goes on, what is waited for. Sizes come with the
// view; what the master makes of them is asked for, since only it knows. Data reaches the page as text nodes only.
'use strict';
window.musterScaling = ({ make, mark, setText, setClass, span, clockTime, ago, patch, serverNow, toggled }) => {
  const ASK_MS = 2000, ASKED_UNOPENED = 8, SVG = 'http://www.w3.org/2000/svg';
  const PHASES = ['serving', 'warming', 'booting', 'creating', 'planned', 'draining', 'deleting', 'failed', 'gone'];
  const MARK = { serving: 'up', warming: 'degraded', booting: 'degraded', creating: 'unknown', planned: 'unknown',
    draining: 'drain', deleting: 'drain', gone: 'drain', failed: 'down' };
  const GOING_ON = { out: 'growing', in: 'shrinking', replace: 'replacing' };
  const list = document.getElementById('sizes');

  // What a node passes on is another's answer: nothing of it is relied on.
  const text = (value) => value === null || value === undefined ? '' : String(value);
  const items = (value) => Array.isArray(value) ? value : [];
  const time = (iso) => Number.isNaN(Date.parse(iso)) ? text(iso) : clockTime(Date.parse(iso));
  const until = (iso) => iso ? ', until ' + time(iso) : '';
  const words = (name) => text(name).replaceAll('_', ' ');
  const count = (n, what) => n + ' ' + what + (n === 1 ? '' : 's');

  let told = new Map(), open = '', sizes = [], cluster = null, asking = false;

  // ---- what stands first

  const serving = (s) => s.phases.serving || 0;
  const phasesOf = (s, but) => PHASES.filter((p) => p !== but && s.phases[p]).map((p) => s.phases[p] + ' ' + p).join(', ');

  const lackOf = (explanation) => explanation
    ? items(explanation.metrics).filter((m) => m.quality !== 'value' || m.complete === false).length : 0;

  /** Words with a class each: the first says whether anybody has to look. */
  const tags = (s, notes) => {
    const all = [];
    if (notes && notes.refused) all.push(['tag bad', 'STOPPED']);
    if (cluster && (cluster.pause.all || cluster.pause.scaling)) all.push(['tag warn', 'PAUSED in the cluster']);
    if (s.pause.kind !== 'none') all.push(['tag warn', s.pause.kind === 'all' ? 'PAUSED' : 'PAUSED: ' + s.pause.kind]);
    const decided = notes && notes.explanation;
    if (s.shadow) all.push(['tag', 'SHADOW: ' + (decided ? 'would be ' + text(decided.size) : 'decides, does nothing')]);
    if (s.creates_again && Date.parse(s.creates_again) > serverNow()) all.push(['tag bad', 'creates fail']);
    const lack = notes ? lackOf(notes.explanation) : 0;
    if (lack) all.push(['tag warn', 'data missing: ' + count(lack, 'metric')]);
    if (s.under_way) all.push(['tag going', GOING_ON[s.under_way] || s.under_way]);
    else if (!all.length) all.push(['tag', s.begun ? 'steady' : 'not begun']);
    return all;
  };

  /** What goes on, and what is waited for: [class, words before, a time that counts on, words after]. */
  const lines = (s, notes) => {
    const all = [];
    if (notes && notes.refused) all.push(['bad', 'nothing is done: ' + text(notes.refused)]);
    if (s.pause.kind !== 'none') {
      const what = { in: 'nothing is removed', out: 'nothing is added' }[s.pause.kind] || 'nothing is added or removed';
      all.push(['held', 'paused, ' + what + (s.pause.by ? ' · by ' + s.pause.by : '') + (s.pause.reason ? ': ' + s.pause.reason : '') + until(s.pause.until)]);
    }
    if (s.intent) {
      const parts = [];
      if (s.intent.making.length) parts.push(count(s.intent.making.length, 'LB') + ' being made');
      if (s.intent.leaving.length) parts.push(count(s.intent.leaving.length, 'LB') + ' to leave');
      const rest = phasesOf(s, 'serving');
      const late = s.intent.deadline && Date.parse(s.intent.deadline) < serverNow();
      all.push([late ? 'held' : 'going', (GOING_ON[s.under_way] || 'changing') + ': ' + parts.join(', ') + (rest ? ' (' + rest + ')' : '') + ', for ',
        s.intent.started, late ? ' · should have been done at ' + time(s.intent.deadline) : ' · should be done by ' + time(s.intent.deadline)]);
    }
    if (s.creates_again && Date.parse(s.creates_again) > serverNow()) {
      all.push(['held', 'the last creates failed: nothing is created until ' + time(s.creates_again)]);
    }
    if (!notes) return all;
    for (const said of items(notes.says)) all.push(['', text(said)]);
    const e = notes.explanation;
    if (!e) return all;
    if (e.pin) all.push(['', 'not below ' + text(e.pin.size) + ' before ' + time(e.pin.until) + ': so many were recommended at ' + time(e.pin.at)]);
    for (const v of items(e.vetoes)) all.push(['', 'no scale-in: ' + words(v.cause) + ', ' + text(v.why) + until(v.until)]);
    for (const v of items(e.brakes)) all.push(['', 'no scale-out: ' + words(v.cause) + ', ' + text(v.why) + until(v.until)]);
    return all;
  };
  const line = ([cls, before, since, after]) => make('li', cls, before, since ? ago(since) : '', after || '');

  const create = (s) => {
    const li = make('li');
    const b = li.button_ = make('button');
    b.type = 'button';
    b.append(li.name_ = make('span', 'name'), li.size_ = make('span', 'now'), li.limits_ = make('span', 'dim small'),
      li.tags_ = make('span', 'tags'), li.bar_ = make('span', 'bar wide'));
    b.onclick = () => {
      open = open === s.fleet ? '' : s.fleet;
      toggled(open);
      show();
      ask();
    };
    for (const p of PHASES) li.bar_.append(make('span', MARK[p]));
    li.append(b, li.why_ = make('p', 'because'), li.lines_ = make('ul', 'lines'), li.detail_ = make('div', 'size-detail'));
    li.detail_.id = 'size-' + (create.number = (create.number || 0) + 1);
    b.setAttribute('aria-controls', li.detail_.id);
    return li;
  };
  /** Calls `rebuild` when what it is made of has changed. */
  const renew = (e, of, rebuild) => {
    const key = JSON.stringify(of);
    if (e.key_ === key) return;
    e.key_ = key;
    rebuild();
  };
  const update = (li, s) => {
    const notes = told.get(s.fleet) || null;
    const e = notes && notes.explanation;
    const isOpen = open === s.fleet;
    li.button_.setAttribute('aria-expanded', String(isOpen));
    setText(li.name_, s.fleet);
    const short = serving(s) < s.target;
    renew(li.size_, [s.begun, serving(s), s.target, s.down, s.others], () => li.size_.replaceChildren(...(s.others
      ? [make('b', '', text(s.target + s.others)), s.target + s.others === 1 ? ' LB, ' : ' LBs, ', make('span', 'dim', s.others + ' run by people')]
      : s.begun
      ? [make('b', short ? 'degraded' : '', text(s.target)), ' ' + (s.target === 1 ? 'LB' : 'LBs') + ', ',
        make('span', short ? 'degraded' : 'dim', serving(s) + ' in service'), s.down ? ', ' : '', s.down ? make('b', 'down', s.down + ' down') : ''] : ['–'])));
    setText(li.limits_, s.min + ' to ' + s.max + ' allowed');
    const labels = tags(s, notes);
    renew(li.tags_, labels, () => li.tags_.replaceChildren(...labels.map(([cls, word]) => make('span', cls, word))));
    PHASES.forEach((p, i) => {
      li.bar_.children[i].hidden = !s.phases[p];
      li.bar_.children[i].style.flexGrow = s.phases[p] || 0;
    });
    li.bar_.title = phasesOf(s);
    li.bar_.hidden = !s.begun;
    const because = e ? text(e.line) : notes ? text(notes.why) : 'asking the master …';
    renew(li.why_, [because, e && e.at], () => li.why_.replaceChildren(because, ...(e ? [' ', make('span', 'dim small', '· decided ', ago(e.at), ' ago')] : [])));
    setClass(li.why_, 'because' + (e ? '' : ' dim'));
    const now = lines(s, notes);
    li.lines_.hidden = !now.length;
    renew(li.lines_, now, () => li.lines_.replaceChildren(...now.map(line)));
    li.detail_.hidden = !isOpen;
    const shown = notes && [notes.explanation, notes.instances, notes.ticks, notes.why, notes.told_by, notes.min, notes.max];
    if (isOpen) renew(li.detail_, shown, () => detail(li.detail_, notes));
  };

  // ---- the details

  const table = (caption, heads, rows) => {
    const head = make('tr', '', ...heads.map((h) => { const th = make('th', '', h); th.scope = 'col'; return th; }));
    const all = make('table', '', make('caption', '', caption), make('thead', '', head), make('tbody', '', ...rows));
    const box = make('div', 'scrolls', all);
    // Who has no mouse must be able to scroll it, too.
    box.tabIndex = 0;
    box.setAttribute('role', 'region');
    box.setAttribute('aria-label', caption);
    return box;
  };
  const cells = (...of) => make('tr', '', ...of.map((c) => Array.isArray(c) ? make('td', '', ...c) : make('td', '', c)));

  const quality = (m) => {
    const parts = [];
    if (m.quality !== 'value') parts.push(words(m.quality) + (m.flaw && m.flaw !== 'none' ? ': ' + words(m.flaw) : ''));
    if (m.coverage) parts.push(text(m.coverage.seen) + ' of ' + text(m.coverage.expected) + ' LBs');
    if (m.age_seconds > 0) parts.push(span(m.age_seconds) + ' old');
    if (m.complete === false) parts.push('may raise, not lower');
    const good = m.quality === 'value' && m.complete !== false;
    return [mark(good ? 'up' : 'degraded'), ' ' + (parts.join(' · ') || 'good')];
  };
  const metrics = (e) => table('Metrics', ['metric', 'is', 'data', 'to hold', 'wants', 'because'], items(e.metrics).map((m) => {
    const tr = cells([make('b', '', text(m.name))], text(m.value) || '–', quality(m), text(m.rule),
      [make('b', '', m.wants === null || m.wants === undefined ? 'nothing' : text(m.wants))], text(m.reckoned) + until(m.until));
    if (m.wants === e.wanted) tr.className = 'leads';
    return tr;
  }));
  const clamps = (e) => table('Held back', ['from', 'to', 'by', 'because'],
    items(e.clamps).map((c) => cells(text(c.before), text(c.after), words(c.cause), text(c.why) + until(c.until))));
  const flips = (e) => table('Would be another size', ['metric', 'larger from', 'smaller at'],
    items(e.flips).map((f) => cells(text(f.metric), text(f.raises_from) || 'no value', text(f.lowers_to) || 'no value')));
  const instances = (notes) => table('LBs', ['phase', 'LB', 'for', 'host', 'address', 'probes say', 'because'],
    items(notes.instances).map((i) => {
      const tr = cells([mark(MARK[i.phase] || 'unknown'), ' ' + text(i.phase) + (i.leaves && i.phase === 'serving' ? ', to leave' : '')],
        [make('b', '', text(i.id))], [ago(i.since)], text(i.host) || '–', [make('span', 'code', text(i.address) || '–')],
        i.health ? [make('span', text(i.health.state), text(i.health.state).toUpperCase())] : '–', text(i.reason));
      return tr;
    }));

  const svg = (tag, attributes) => {
    const e = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
    return e;
  };
  /** Decided sizes of this term of office as steps, and what the metrics asked for. */
  const plot = (notes) => {
    const ticks = items(notes.ticks).map((t) => ({ at: Date.parse(t.at), size: Number(t.size), wanted: Number(t.wanted) }))
      .filter((t) => Number.isFinite(t.at) && Number.isFinite(t.size) && Number.isFinite(t.wanted));
    if (ticks.length < 2) return make('p', 'dim small', 'Sizes over time are kept by a master from when it took office: none yet.');
    const from = ticks[0].at, to = ticks[ticks.length - 1].at;
    const most = Math.max(notes.max, ...ticks.map((t) => Math.max(t.size, t.wanted)), 1);
    const W = 600, H = 90;
    const x = (at) => to === from ? 0 : (at - from) / (to - from) * W;
    const y = (size) => H - size / most * H;
    const steps = (value) => ticks.map((t, i) => (i ? 'H' + x(t.at).toFixed(1) + 'V' : 'M' + x(t.at).toFixed(1) + ' ') + y(value(t)).toFixed(1)).join('');
    const picture = svg('svg', { viewBox: `0 -4 ${W} ${H + 8}`, preserveAspectRatio: 'none', class: 'plot', role: 'img' });
    const all = ticks.map((t) => t.size);
    picture.setAttribute('aria-label', `size over ${span((to - from) / 1000)}: ${Math.min(...all)} to ${Math.max(...all)}, now ${all[all.length - 1]}`);
    for (const limit of [notes.min, notes.max]) picture.append(svg('path', { class: 'limit', d: `M0 ${y(limit).toFixed(1)}H${W}` }));
    picture.append(svg('path', { class: 'wanted', d: steps((t) => t.wanted) }), svg('path', { class: 'size', d: steps((t) => t.size) }));
    const axis = make('p', 'axis dim small', make('span', '', clockTime(from)),
      make('span', 'key', make('i', 'size'), 'size ', make('i', 'wanted'), 'wanted by the metrics ', make('i', 'limit'), `${notes.min} and ${notes.max}`),
      make('span', '', clockTime(to)));
    return make('div', '', picture, axis);
  };
  const detail = (box, notes) => {
    if (!notes) { box.replaceChildren(make('p', 'dim', 'asking …')); return; }
    const e = notes.explanation;
    box.replaceChildren(plot(notes),
      ...(e ? [metrics(e), items(e.clamps).length ? clamps(e) : '', items(e.flips).length ? flips(e) : ''] : []),
      instances(notes),
      make('p', 'dim small', (notes.told_by ? 'told by ' + text(notes.told_by) : text(notes.why)) + (e ? ' · ' + text(e.serving) + ' healthy and in service at the decision · ' + text(e.digest) : '')));
  };

  // ---- asking

  const ask = async () => {
    if (asking || document.hidden) return;
    asking = true;
    const names = sizes.map((s) => s.fleet);
    const wanted = names.filter((name, i) => i < ASKED_UNOPENED || name === open);
    try {
      for (const name of wanted) {
        try {
          const answer = await fetch('/api/v1/fleets/' + encodeURIComponent(name) + '/scaling', { cache: 'no-store' });
          if (answer.ok) told.set(name, await answer.json());
        } catch { break; /* the banner already says that the node is gone */ }
        show();
      }
    } finally { asking = false; }
  };
  setInterval(() => { if (sizes.length) ask(); }, ASK_MS);

  const show = () => {
    document.getElementById('scaling').hidden = !sizes.length;
    setText(document.getElementById('size-count'), String(sizes.length));
    patch(list, sizes, (s) => s.fleet, create, update);
  };
  return {
    /** `name`: the fleet whose details are open. */
    open: (name) => { open = name; },
    show: (view) => {
      const known = new Set(sizes.map((s) => s.fleet));
      const isNew = view.scaling.some((s) => !known.has(s.fleet));
      sizes = view.scaling;
      cluster = view.cluster;
      for (const name of told.keys()) if (!sizes.some((s) => s.fleet === name)) told.delete(name);
      show();
      if (isNew) ask();
    },
  };
};
