// The dashboard: shows what /api/v1/stream sends. Data reaches the page as text nodes only.
'use strict';
(() => {
  const $ = (id) => document.getElementById(id);
  const STATES = ['up', 'down', 'degraded', 'unknown', 'drain', 'maintenance'];
  const FIRST_LIMIT = 500, MOST = 10000, SILENCE_MS = 6000;

  // ---- small tools

  /** An element with a class and children; strings become text. */
  const make = (tag, cls, ...children) => {
    const e = document.createElement(tag);
    if (cls) e.className = cls;
    e.append(...children.filter((c) => c !== null && c !== undefined && c !== ''));
    return e;
  };
  const mark = (state) => {
    const m = make('span', 'mark ' + state);
    m.setAttribute('aria-hidden', 'true');
    return m;
  };
  const setText = (e, text) => { if (e.textContent !== text) e.textContent = text; };
  const setClass = (e, cls) => { if (e.className !== cls) e.className = cls; };

  const span = (seconds) => {
    const s = Math.max(0, Math.floor(seconds));
    if (s < 60) return s + ' s';
    if (s < 3600) return Math.floor(s / 60) + ' min';
    if (s >= 36000 && s < 172800) return Math.floor(s / 3600) + ' h';
    if (s < 36000) return Math.floor(s / 3600) + ' h ' + Math.floor(s % 3600 / 60) + ' min';
    return Math.floor(s / 86400) + ' d';
  };
  const clockTime = (ms) => new Date(ms).toLocaleTimeString([], { hour12: false });
  const millis = (seconds) => seconds === 0 ? '–'
    : seconds < 0.001 ? '<1 ms' : seconds < 1 ? Math.round(seconds * 1000) + ' ms' : seconds.toFixed(1) + ' s';

  // ---- what is shown: kept in the address, so that a view can be sent to somebody

  const params = new URLSearchParams(location.search);
  const filter = {
    group: params.get('group') || '',
    states: new Set((params.get('state') || '').split(',').filter((s) => STATES.includes(s))),
    q: params.get('q') || '',
    sort: params.get('sort') === 'name' ? 'name' : 'trouble',
    open: params.get('open') || '',
    scaling: params.get('scaling') || '',
    limit: FIRST_LIMIT,
  };
  let typing = 0;
  const filterQuery = () => {
    const p = new URLSearchParams();
    if (filter.group) p.set('group', filter.group);
    if (filter.states.size) p.set('state', [...filter.states].join(','));
    if (filter.q) p.set('q', filter.q);
    if (filter.sort === 'name') p.set('sort', 'name');
    return p;
  };
  /** The query of a filter; servers need not read "+" as a space. */
  const asText = (p) => p.toString().replaceAll('+', '%20');

  const keepInAddress = () => {
    const p = filterQuery();
    if (filter.open) p.set('open', filter.open);
    if (filter.scaling) p.set('scaling', filter.scaling);
    history.replaceState(null, '', p.size ? '?' + asText(p) : location.pathname);
  };
  const filterChanged = () => {
    clearTimeout(typing);
    filter.q = $('q').value.trim();
    keepInAddress();
    showFilter();
    connect();
  };

  // ---- the stream

  let source = null, view = null, received = 0, serverOffset = 0, connected = false, retry = 0;

  const connect = () => {
    if (source) source.close();
    clearTimeout(retry);
    const p = filterQuery();
    p.set('sort', filter.sort);
    p.set('limit', filter.limit);
    source = new EventSource('/api/v1/stream?' + asText(p));
    source.addEventListener('view', (e) => accept(JSON.parse(e.data)));
    source.addEventListener('age', (e) => accept(Object.assign({}, view, JSON.parse(e.data))));
    source.onerror = () => { disconnected(); };
  };
  const disconnected = () => {
    connected = false;
    tick();
    if (source && source.readyState === EventSource.CLOSED) {
      clearTimeout(retry);
      retry = setTimeout(connectOrAsk, 2000);
    }
  };
  const connectOrAsk = async () => {
    try {
      const answer = await fetch('/api/v1/cluster', { cache: 'no-store' });
      if (answer.status === 401) { $('login').hidden = false; $('token').focus(); return; }
    } catch { /* not there: the stream will tell */ }
    connect();
  };
  const accept = (next) => {
    view = next;
    connected = true;
    received = performance.now();
    if (view.as_of) serverOffset = Date.parse(view.as_of) + view.age_seconds * 1000 - Date.now();
    $('login').hidden = true;
    document.querySelector('main').hidden = false;
    show();
  };
  const dataAge = () => view.age_seconds === null ? null
    : view.age_seconds + (performance.now() - received) / 1000;
  const serverNow = () => Date.now() + serverOffset;

  document.addEventListener('visibilitychange', () => {
    if (document.hidden) { if (source) source.close(); } else connect();
  });

  // ---- header and banners

  const showHeader = () => {
    const { cluster, master, session, self } = view;
    setText($('cluster'), cluster.name);
    document.title = (view.totals.states.down ? '▼' + view.totals.states.down + ' ' : '') + cluster.name + ' – muster';
    $('master').replaceChildren(...(master
      ? [master.node + ' ', make('small', '', 'epoch ' + master.epoch + ' · ', ago(master.since))]
      : [make('span', 'down', 'none')]));
    const lease = self.lease_seconds === null ? '' : ' · lease ' + self.lease_seconds.toFixed(1) + ' s';
    $('self').replaceChildren(self.node + ' ',
      make('small', '', (self.is_master ? 'master' : 'worker') + lease + (self.doubt ? ' · in doubt' : '') + (self.leaving ? ' · leaving' : '')));
    $('session').replaceChildren(
      make('span', session.state === 'connected' ? 'up' : 'down', session.state), ' ', make('small', '', session.server));
  };

  const showBanners = () => {
    const lines = [];
    if (!connected) {
      lines.push(['bad', 'Disconnected from this node, data from ' + clockTime(serverNow() - (performance.now() - received))]);
    } else if (view.source !== 'live') {
      const age = dataAge();
      lines.push(['bad', age === null ? 'ZooKeeper has not answered yet: nothing is known of the cluster'
        : 'ZooKeeper has been silent for ' + span(age) + ': this is the last known state, checks go on']);
    }
    const pause = view.cluster.pause;
    const paused = ['all', 'scaling', 'dns', 'status'].filter((k) => pause[k]);
    if (paused.length) lines.push(['', 'PAUSED in the whole cluster: ' + paused.join(', ')]);
    if (view.self.paused) {
      lines.push(['', 'PAUSED on this node' + (view.self.pause_reason ? ': ' + view.self.pause_reason : '')]);
    }
    const key = JSON.stringify(lines);
    if ($('banners').dataset.key === key) return;
    $('banners').dataset.key = key;
    $('banners').replaceChildren(...lines.map(([cls, text]) => make('div', cls, text)));
  };

  /** A time that counts on by itself (see tick). */
  const ago = (iso) => {
    const e = make('time');
    setTime(e, iso);
    return e;
  };
  const setTime = (e, iso) => {
    if (e.dateTime !== (iso || '')) {
      e.dateTime = iso || '';
      e.title = iso ? new Date(iso).toLocaleString() : '';
    }
    setText(e, iso ? span((serverNow() - Date.parse(iso)) / 1000) : '–');
  };

  const tick = () => {
    if (!view) return;
    if (connected && performance.now() - received > SILENCE_MS && !document.hidden) { connected = false; connect(); }
    document.body.classList.toggle('stale', !connected);
    for (const e of document.getElementsByTagName('time')) {
      if (e.dateTime) setText(e, span((serverNow() - Date.parse(e.dateTime)) / 1000));
    }
    const age = dataAge();
    const word = connected ? view.source : 'disconnected';
    $('age').className = word === 'live' ? 'up' : 'down';
    setText($('age'), age === null ? word : word + ' · ' + (age < 10 ? age.toFixed(1) + ' s' : span(age)));
    showBanners();
  };

  // ---- lists that are patched, never rebuilt: focus, scroll and selection stay

  /** Keeps the children of `list` in step with `items`; `key` must be unique. */
  const patch = (list, items, key, create, update) => {
    const old = list.keyed || new Map();
    const next = new Map();
    let place = list.firstChild;
    for (const item of items) {
      const k = key(item);
      let e = old.get(k);
      if (e) old.delete(k); else e = create(item);
      update(e, item);
      next.set(k, e);
      if (e === place) place = place.nextSibling;
      else list.insertBefore(e, place);
      const detail = e.detail;
      if (detail && detail.isConnected) {
        if (detail === place) place = place.nextSibling;
        else list.insertBefore(detail, place);
      }
    }
    for (const e of old.values()) { if (e.detail) e.detail.remove(); e.remove(); }
    list.keyed = next;
  };

  const showGroups = () => {
    setText($('group-count'), String(view.groups.length));
    patch($('groups'), view.groups, (g) => g.name, (g) => {
      const b = make('button');
      b.type = 'button';
      b.append(b.name_ = make('span', 'name'), b.count_ = make('span'), b.bar_ = make('span', 'bar wide'),
        b.check_ = make('span', 'dim small wide line'), b.notes_ = make('span', 'note small wide'));
      for (const s of STATES) b.bar_.append(make('span', s));
      b.onclick = () => { filter.group = filter.group === g.name ? '' : g.name; filterChanged(); };
      const li = make('li', '', b);
      li.button_ = b;
      return li;
    }, (li, g) => {
      const b = li.button_;
      b.setAttribute('aria-pressed', String(filter.group === g.name));
      if (b.name_.dataset.key !== g.name + g.panic) {
        b.name_.dataset.key = g.name + g.panic;
        b.name_.replaceChildren(g.name, g.fleet ? make('span', 'tag', 'LBs') : '', g.panic ? ' ' : '', g.panic ? make('span', 'tag bad', 'PANIC') : '');
      }
      setText(b.count_, g.states.up + ' / ' + g.backends + ' up');
      setClass(b.count_, g.states.down ? 'down' : 'dim');
      STATES.forEach((s, i) => {
        b.bar_.children[i].hidden = !g.states[s];
        b.bar_.children[i].style.flexGrow = g.states[s];
      });
      b.bar_.title = STATES.filter((s) => g.states[s]).map((s) => g.states[s] + ' ' + s).join(', ');
      setText(b.check_, (g.in_rotation === g.states.up ? '' : g.in_rotation + ' in rotation · ')
        + g.check.split(', timeout')[0] + ' · gen ' + g.generation);
      b.check_.title = g.check + '; generation ' + g.generation + (g.author ? ' by ' + g.author : '');
      setText(b.notes_, g.notes.join(' · '));
      b.notes_.hidden = !g.notes.length;
    });
  };

  const showNodes = () => {
    setText($('node-count'), String(view.nodes.length));
    const owned = new Map(), warm = new Map();
    const add = (map, node, shard) => map.set(node, [...(map.get(node) || []), shard]);
    for (const s of view.shard_map) {
      add(owned, s.owner, s);
      if (s.warming) add(warm, s.warming, s);
    }
    const nodes = [...view.nodes];
    if (owned.has('')) nodes.push({ id: '', shards: owned.get('').length, backends: 0, zone: '', orphans: true });
    patch($('nodes'), nodes, (n) => n.id, () => {
      const li = make('li');
      li.append(li.name_ = make('span', 'name line'), li.count_ = make('span', 'dim small'), li.shards_ = make('span', 'shards wide'));
      return li;
    }, (li, n) => {
      const shards = owned.get(n.id) || [], warming = warm.get(n.id) || [];
      const key = JSON.stringify([n, shards, warming]);
      if (li.dataset.key === key) return;
      li.dataset.key = key;
      const state = n.orphans ? 'unknown' : n.doubt ? 'degraded' : n.draining ? 'drain' : 'up';
      const name = n.orphans ? 'nobody' : n.id;
      li.name_.replaceChildren(mark(state), ' ', n.self || n.orphans ? name : link(n.api_address, name),
        n.master ? ' ' : '', n.master ? make('span', 'tag master', 'master') : '',
        n.self ? ' ' : '', n.self ? make('span', 'tag', 'here') : '',
        n.doubt ? ' ' : '', n.doubt ? make('span', 'tag', 'in doubt') : '',
        n.draining ? ' ' : '', n.draining ? make('span', 'tag', 'leaving') : '',
        n.zone ? ' ' : '', n.zone ? make('span', 'dim small', n.zone) : '');
      setText(li.count_, n.shards + ' shards' + (n.backends ? ' · ' + n.backends + ' backends' : ''));
      const square = (cls, title) => { const i = make('i', cls); i.title = title; return i; };
      const most = 300;
      li.shards_.replaceChildren(
        ...shards.slice(0, most).map((s) => square(
          n.orphans ? 'orphan' : s.down === 0 ? '' : s.down === s.backends ? 'all-down' : 'trouble',
          s.id + ': ' + s.backends + ' backends, ' + s.down + ' down')),
        ...warming.slice(0, most).map((s) => square('warm', s.id + ': gets ready to take it over from ' + s.owner)));
      if (shards.length > most) li.shards_.append('+' + (shards.length - most));
    });
  };
  const link = (address, text) => {
    if (!/^[\w.:[\]-]+$/.test(address)) return text;
    const a = make('a', '', text);
    a.href = 'http://' + address + '/';
    return a;
  };

  // ---- fleets that size themselves (scaling.js)

  const scaling = window.musterScaling({ make, mark, setText, setClass, span, clockTime, ago, patch, serverNow,
    toggled: (fleet) => { filter.scaling = fleet; keepInAddress(); } });
  scaling.open(filter.scaling);

  // ---- load balancers, by fleet

  const lbTrouble = (a) => !a.accepting ? 'down' : a.error || a.behind.length ? 'degraded' : 'up';
  const generations = (a) => {
    const of = (name, has, newest) => name + ' ' + (has === newest ? has : has + ' of ' + newest);
    return [of('fleet', a.fleet_generation, a.newest_fleet_generation), ...a.groups.map((g) => of(g.name, g.generation, g.newest))];
  };
  const showLbs = () => {
    const fleets = new Map(view.fleets.map((f) => [f.name, []]));
    for (const a of view.agents) fleets.set(a.fleet, [...(fleets.get(a.fleet) || []), a]);
    $('lb-head').hidden = $('lbs').hidden = !fleets.size;
    setText($('lb-count'), view.agents.length === view.agent_count ? String(view.agent_count)
      : view.agents.length + ' of ' + view.agent_count);
    const items = [...fleets].flatMap(([fleet, lbs]) => [{ fleet, lbs }, ...lbs]);
    patch($('lbs'), items, (i) => JSON.stringify([i.fleet, i.lbs ? 0 : 1, i.instance || '']), (i) => {
      const li = make('li', i.lbs ? 'fleet' : 'lb');
      li.append(li.name_ = make('span', 'name'), li.count_ = make('span', 'small'));
      if (i.lbs) return li;
      li.append(li.has_ = make('span', 'dim small wide line'), li.age_ = make('span', 'dim small wide'), li.notes_ = make('span', 'note small wide'));
      return li;
    }, (li, i) => {
      const key = JSON.stringify(i);
      if (li.dataset.key === key) return;
      li.dataset.key = key;
      if (i.lbs) {
        const well = i.lbs.filter((a) => lbTrouble(a) === 'up').length;
        setText(li.name_, i.fleet);
        setText(li.count_, i.lbs.length ? well + ' / ' + i.lbs.length + ' in step' : 'no agent');
        setClass(li.count_, 'small ' + (well < i.lbs.length ? 'degraded' : 'dim'));
        return;
      }
      li.name_.replaceChildren(mark(lbTrouble(i)), ' ', i.instance, i.lb ? ' ' : '', i.lb ? make('span', 'tag', i.lb) : '',
        i.accepting ? '' : ' ', i.accepting ? '' : make('span', 'tag bad', 'does not accept'));
      li.name_.title = 'agent ' + i.build;
      setText(li.count_, i.address);
      const has = generations(i);
      setText(li.has_, 'generation: ' + has.slice(0, 6).join(' · ') + (has.length > 6 ? ' · +' + (has.length - 6) : ''));
      li.has_.title = has.join('\n');
      li.age_.replaceChildren(...(i.status_time ? ['newest status of ', ago(i.status_time), ' ago · '] : ['no status yet · ']),
        'reported ', ago(i.reported), ' ago');
      li.notes_.hidden = !i.error && !i.behind.length;
      li.notes_.replaceChildren(...(i.behind_since ? ['behind for ', ago(i.behind_since), ': '] : []), i.behind.join(' · '),
        i.error && i.behind.length ? ' · ' : '', i.error);
    });
  };

  const EVENT_STATE = { rotation_changed: 'degraded', panic_changed: 'down', master_changed: 'drain', shard_moved: 'drain',
    member_joined: 'up', member_left: 'down', member_changed: 'degraded', config_applied: 'maintenance',
    group_removed: 'maintenance', pause_changed: 'degraded', session_changed: 'unknown',
    traffic_shifted: 'degraded' };
  const showEvents = () => {
    patch($('events'), [...view.events].reverse(), (e) => e.id, (e) => {
      const state = e.kind === 'health_changed' ? (e.fields.to || 'unknown').toLowerCase() : EVENT_STATE[e.kind];
      const when = make('span', 'dim', clockTime(Date.parse(e.time)));
      when.title = e.kind + ' ' + e.time;
      return make('li', '', when, mark(STATES.includes(state) ? state : 'unknown'), make('span', '', e.text));
    }, () => {});
  };

  // ---- backends

  const COLUMNS = ['state', 'group', 'id', 'address', 'zone', 'weight', 'since', 'reason', 'rotation', 'owner'];
  const keyOf = (b) => b.group + '/' + b.id;

  const createRow = (b) => {
    const tr = make('tr', 'row');
    tr.tabIndex = 0;
    tr.cells_ = {};
    for (const c of COLUMNS) tr.append(tr.cells_[c] = make('td', c));
    const c = tr.cells_;
    c.state.append(tr.mark_ = mark('unknown'), tr.word_ = make('span'));
    c.address.classList.add('code');
    c.since.append(tr.since_ = make('time'));
    c.reason.append(tr.reason_ = make('span'), tr.pips_ = make('span', 'pips'));
    tr.onclick = () => toggle(keyOf(b));
    tr.onkeydown = (e) => {
      if (e.key === 'Enter' || e.key === ' ') { e.preventDefault(); toggle(keyOf(b)); }
      if (e.key === 'ArrowDown' || e.key === 'ArrowUp') { e.preventDefault(); step(tr, e.key === 'ArrowDown'); }
    };
    return tr;
  };
  const step = (tr, down) => {
    let next = tr;
    do { next = down ? next.nextElementSibling : next.previousElementSibling; } while (next && !next.classList.contains('row'));
    if (next) next.focus();
  };
  const updateRow = (tr, b) => {
    const open = filter.open === keyOf(b);
    const odd = ['eject_capped', 'panic', 'slow_start'].includes(b.rotation.reason);
    const changed = tr.state_ && tr.state_ !== b.state;
    setClass(tr, 'row' + (b.rotation.in ? '' : ' out') + (odd ? ' odd-rotation' : '') + (open ? ' open' : '')
      + (changed || tr.classList.contains('changed') ? ' changed' : ''));
    if (changed) setTimeout(() => tr.classList.remove('changed'), 2600);
    tr.state_ = b.state;
    tr.setAttribute('aria-expanded', String(open));
    setClass(tr.mark_, 'mark ' + b.state);
    setText(tr.word_, (b.state === 'maintenance' ? 'MAINT' : b.state.toUpperCase()) + (b.state !== b.verdict && b.verdict !== 'unknown' ? ' · ' + b.verdict : ''));
    setClass(tr.cells_.state, 'state ' + b.state);
    setText(tr.cells_.group, b.group);
    setText(tr.cells_.id, b.id);
    setText(tr.cells_.address, b.address);
    tr.cells_.id.title = b.id;
    tr.cells_.address.title = b.address;
    setText(tr.cells_.zone, b.zone);
    setText(tr.cells_.weight, b.rotation.in && b.rotation.weight !== b.weight ? b.rotation.weight + ' / ' + b.weight : String(b.weight));
    setTime(tr.since_, b.since);
    setText(tr.reason_, b.reason);
    const pending = b.pending.failures || b.pending.successes;
    setClass(tr.pips_, 'pips ' + (b.pending.failures ? 'down' : 'up'));
    tr.pips_.title = pending ? pending + (b.pending.failures ? ' failures' : ' successes') + ' in a row, pending' : '';
    while (tr.pips_.childElementCount > pending) tr.pips_.lastChild.remove();
    while (tr.pips_.childElementCount < Math.min(pending, 10)) tr.pips_.append(make('i', 'on'));
    setText(tr.cells_.rotation, b.rotation.in
      ? (b.rotation.reason === 'healthy' ? 'in' : 'in · ' + b.rotation.reason.replace('_', ' '))
      : 'out · ' + b.rotation.reason.replace('_', ' ').replace('maintenance', 'maint'));
    setText(tr.cells_.owner, b.owner ? b.owner : b.shard < 0 ? 'waits for a slot' : 'nobody');
    if (open) openDetail(tr, b); else if (tr.detail) { tr.detail.remove(); tr.detail = null; }
  };
  const showRows = () => {
    patch($('rows'), view.backends, keyOf, createRow, updateRow);
    $('empty').hidden = view.backends.length > 0;
    $('more').hidden = view.backends.length >= view.matched || filter.limit >= MOST;
    setText($('matched'), view.matched === view.total && view.backends.length === view.total ? String(view.total)
      : view.matched + ' of ' + view.total + (view.backends.length < view.matched ? ', first ' + view.backends.length : ''));
  };

  // ---- why

  const toggle = (key) => {
    filter.open = filter.open === key ? '' : key;
    keepInAddress();
    showRows();
  };
  const openDetail = (tr, b) => {
    if (!tr.detail) {
      const td = make('td', '', make('div', 'why', make('p', 'dim', 'asking …')));
      td.colSpan = COLUMNS.length;
      tr.detail = make('tr', 'detail', td);
      tr.asked = 0;
      tr.after(tr.detail);
    }
    if (performance.now() - tr.asked < 1000) return;
    tr.asked = performance.now();
    ask(tr, b);
  };
  const ask = async (tr, b) => {
    try {
      const path = '/api/v1/backends/' + encodeURIComponent(b.group) + '/' + encodeURIComponent(b.id);
      const answer = await fetch(path, { cache: 'no-store' });
      const body = await answer.json();
      if (tr.detail) showWhy(tr.detail.firstChild, body, answer.ok);
    } catch { /* the banner already says that the node is gone */ }
  };
  const showWhy = (td, body, ok) => {
    if (!ok) { td.replaceChildren(make('div', 'why', make('p', '', body.detail || 'no answer'))); return; }
    const { backend, why, recent } = body;
    const facts = make('dl');
    const fact = (name, text) => facts.append(make('dt', '', name), make('dd', '', text));
    if (why.wrong) fact('wrong', why.wrong);
    fact('check', why.check);
    fact('address', backend.address);
    if (why.shard) fact('shard', why.shard + ' · layout ' + why.layout + ' · status ' + why.sequence);
    if (why.shard) fact('probed by', (why.owner || 'nobody') + ' · fencing token A ' + why.owner_token);
    const left = make('div', '', make('p', 'lead', why.summary), make('p', '', why.next), make('p', '', why.rotation_text), facts);
    const doubted = recent && recent.confirmation;
    if (doubted) {
      fact('suspected', clockTime(Date.parse(doubted.time)) + ': ' + (doubted.down ? 'found DOWN' : 'others reach it, so it stays') + ' ('
        + (doubted.votes.map((v) => v.node + ': ' + v.vote).join(', ') || 'no votes') + ')');
    }
    td.replaceChildren(make('div', 'why', left, recent ? results(recent) : make('p', 'dim', 'No recent results: ' + body.recent_problem)));
  };
  const phases = (r) => [['resolve', r.resolve_seconds], ['connect', r.connect_seconds], ['TLS', r.tls_seconds],
    ['sent', r.sent_seconds], ['first byte', r.first_byte_seconds]].filter(([, at]) => at > 0).map(([name, at]) => name + ' ' + millis(at)).join(', ');
  const results = (recent) => {
    const ticks = make('div', 'ticks');
    ticks.setAttribute('role', 'img');
    const failed = recent.list.filter((r) => r.result === 'failure').length;
    ticks.setAttribute('aria-label', recent.list.length + ' recent results, ' + failed + ' failed');
    for (const r of recent.list) {
      const i = make('i', r.result);
      const standing = (s) => (s ? s.verdict + (s.pending ? ' ' + s.pending + ' against' : '') : '');
      i.title = [clockTime(Date.parse(r.time)), r.reason, r.code || '', phases(r), 'total ' + millis(r.total_seconds),
        [standing(r.before), standing(r.after)].filter((x) => x !== '').join(' → ')].filter((x) => x !== '').join(' · ');
      ticks.append(i);
    }
    const times = recent.list.filter((r) => r.result === 'success').map((r) => r.total_seconds).sort((a, b) => a - b);
    const last = recent.list[recent.list.length - 1];
    return make('div', '',
      make('p', 'dim', 'last ' + recent.list.length + ' results, seen by ' + recent.from + ', newest right'), ticks,
      make('p', 'small', (times.length ? 'median ' + millis(times[times.length >> 1]) + ', slowest ' + millis(times[times.length - 1]) + ' · ' : '')
        + failed + ' failed' + (last ? ' · last: ' + last.reason + (last.code ? ' ' + last.code : '')
          + (phases(last) ? ' (' + phases(last) + ')' : '') + ', ' : ''),
        last ? ago(last.time) : '', last ? ' ago' : ''));
  };

  // ---- filter controls

  for (const s of STATES) {
    const b = make('button', 'chip ' + s, mark(s), make('b', '', '0'), s);
    b.type = 'button';
    b.id = 'state-' + s;
    b.onclick = () => { if (!filter.states.delete(s)) filter.states.add(s); filterChanged(); };
    $('states').append(b);
  }
  const showFilter = () => {
    for (const s of STATES) {
      const b = $('state-' + s);
      b.setAttribute('aria-pressed', String(filter.states.has(s)));
      if (view) setText(b.querySelector('b'), String(view.totals.states[s]));
      b.hidden = view !== null && !view.totals.states[s] && !filter.states.has(s) && s !== 'up' && s !== 'down';
    }
    $('group-filter').hidden = !filter.group;
    setText($('group-filter'), filter.group + ' ×');
    $('group-filter').setAttribute('aria-label', 'Show all groups, not only ' + filter.group);
    setText($('sort'), filter.sort === 'trouble' ? '⇅ trouble' : '⇅ name');
  };
  $('q').value = filter.q;
  $('q').oninput = () => {
    clearTimeout(typing);
    typing = setTimeout(filterChanged, 150);
  };
  $('group-filter').onclick = () => { filter.group = ''; filterChanged(); };
  $('sort').onclick = () => { filter.sort = filter.sort === 'trouble' ? 'name' : 'trouble'; filterChanged(); };
  $('clear').onclick = () => { filter.group = $('q').value = ''; filter.states.clear(); filterChanged(); $('q').focus(); };
  $('more').querySelector('button').onclick = () => { filter.limit = Math.min(MOST, filter.limit * 4); filterChanged(); };
  document.addEventListener('keydown', (e) => {
    if (e.key === '/' && document.activeElement !== $('q')) { e.preventDefault(); $('q').focus(); }
    if (e.key === 'Escape' && document.activeElement === $('q')) { $('q').value = ''; $('q').oninput(); }
  });
  $('login').onsubmit = async (e) => {
    e.preventDefault();
    const answer = await fetch('/api/v1/session', { method: 'POST', headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token: $('token').value }) });
    setText($('login-problem'), answer.ok ? '' : 'That is not the token.');
    if (answer.ok) { $('token').value = ''; connect(); }
  };

  const show = () => { showHeader(); showFilter(); showGroups(); showNodes(); scaling.show(view); showLbs(); showRows(); showEvents(); tick(); };
  showFilter();
  setInterval(tick, 500);
  connect();
})();
