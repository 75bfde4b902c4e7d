-- Helpers of the SQL tests, in the session's temporary schema: an account to write to, and intake () fed from one JSON description.

create function pg_temp.make_account (p_slug text) returns bigint language sql as $$
    with a as (insert into gateway.account (slug, name) values (p_slug, initcap (p_slug)) returning account_id),
    n as (insert into gateway.counter (account_id) select account_id from a)
    select account_id from a
$$;

create function pg_temp.make_channel (p_account bigint, p_slug text) returns bigint language sql as $$
    insert into gateway.channel (account_id, slug, adapter, address)
    values (p_account, p_slug, 'twilio', 'tel:+15550001111')
    returning channel_id
$$;

-- Rises with the time and the place, as UUIDv7 does; the same for the same seed, time and place, so that a batch can be given again.
create function pg_temp.make_id (p_seed text, p_at timestamptz, p_place int) returns uuid language sql as $$
    select (lpad (to_hex ((extract (epoch from p_at) * 1000)::bigint), 12, '0') || '7' || lpad (to_hex (p_place), 3, '0') || '8'
            || right (md5 (p_seed || ' ' || p_place), 15))::uuid
$$;

create function pg_temp.make_hash (p_external_id text, p_kind text default 'm') returns bytea language sql as $$
    select substr (sha256 (convert_to (p_kind || ' ' || p_external_id, 'UTF8')), 1, 16)
$$;

-- What no item has is an empty array, as the gateway gives it.
create function pg_temp.or_none (p_all anyarray) returns anyarray language sql as $$
    select case when array_remove (p_all, null) = '{}' then '{}' else coalesce (p_all, '{}') end
$$;

-- Requests: [{account, channel, at, raw, quarantine, messages: [{id, from, name, text, at, keyword, content, channel, reply_to, window, echo, quiet,
-- aliases: [], files: [{url, mime, name, sha256}]}], receipts: [{id, status, code, detail, at, reference, part, opted_out, channel, reason, title,
-- data}], notices: [{id, topic, title, data, at, health, remedy, channel}]}]
create function pg_temp.give (p_seed text, p_requests jsonb, out stored int, out known int, out quarantined int, out receipts int)
language sql as $$
    with q as materialized (
        select o::int as r, (j ->> 'account')::bigint as a, (j ->> 'channel')::bigint as c, j,
               coalesce ((j ->> 'at')::timestamptz, now ()) as t, coalesce (j ->> 'raw', 'raw') as raw
        from jsonb_array_elements (p_requests) with ordinality x (j, o)
    ), m as materialized (
        select row_number () over (order by r, k)::int as n, r, t, k::int, j
        from (select q.r, q.t, y.k, y.j from q, jsonb_array_elements (q.j -> 'messages') with ordinality y (j, k)) x
    ), f as materialized (
        select m.n, y.k::int - 1 as p, m.t, y.j, row_number () over (order by m.n, y.k)::int as o
        from m, jsonb_array_elements (m.j -> 'files') with ordinality y (j, k)
    ), s as materialized (
        select q.r, y.k::int - 1 as p, y.j from q, jsonb_array_elements (q.j -> 'receipts') with ordinality y (j, k)
    ), t as materialized (
        select q.r, q.t, row_number () over (order by q.r, y.k)::int as n, y.j from q, jsonb_array_elements (q.j -> 'notices') with ordinality y (j, k)
    ), xs as (
        select coalesce (array_agg (m.n order by m.n, y.k), '{}') n, coalesce (array_agg (y.u order by m.n, y.k), '{}') u
        from m, jsonb_array_elements_text (m.j -> 'aliases') with ordinality y (u, k)
    ), qs as (
        select array_agg (a order by r) a, array_agg (c order by r) c, array_agg (pg_temp.make_id (p_seed, t, r) order by r) id,
               array_agg (t order by r) t, array_agg (convert_to (raw, 'UTF8') order by r) raw, array_agg (null::text order by r) file,
               array_agg (octet_length (raw)::bigint order by r) size, array_agg (j ->> 'quarantine' order by r) q
        from q
    ), ms as (
        select coalesce (array_agg (r order by n), '{}') r, coalesce (array_agg (pg_temp.make_hash (j ->> 'id') order by n), '{}') h,
               coalesce (array_agg (j ->> 'id' order by n), '{}') e,
               coalesce (array_agg (pg_temp.make_id (p_seed, t, 256 + n) order by n), '{}') id,
               coalesce (array_agg (pg_temp.make_id (p_seed, t, 1024 + n) order by n), '{}') contact,
               coalesce (array_agg (pg_temp.make_id (p_seed, t, 2048 + n) order by n), '{}') ticket,
               coalesce (array_agg (j ->> 'from' order by n), '{}') f,
               coalesce (array_agg ('tel:+15550001111'::text order by n), '{}') tt,
               coalesce (array_agg (j ->> 'name' order by n), '{}') name, coalesce (array_agg (j ->> 'text' order by n), '{}') te,
               coalesce (array_agg (coalesce (j -> 'content', jsonb_build_object ('kind', 'text', 'text', j ->> 'text')) order by n), '{}') cn,
               coalesce (array_agg ((j ->> 'at')::timestamptz order by n), '{}') pt,
               coalesce (array_agg (j ->> 'keyword' order by n), '{}') kw,
               coalesce (array_agg ((j ->> 'channel')::bigint order by n), '{}') ch,
               pg_temp.or_none (array_agg (pg_temp.make_hash (j ->> 'reply_to') order by n)) rt,
               pg_temp.or_none (array_agg ((j ->> 'window')::timestamptz order by n)) wi,
               pg_temp.or_none (array_agg ((j ->> 'echo')::boolean order by n)) ec,
               pg_temp.or_none (array_agg ((j ->> 'quiet')::boolean order by n)) qu
        from m
    ), fs as (
        select coalesce (array_agg (n order by o), '{}') n, coalesce (array_agg (p order by o), '{}') p,
               coalesce (array_agg (pg_temp.make_id (p_seed, t, 3072 + o) order by o), '{}') id,
               coalesce (array_agg (j ->> 'url' order by o), '{}') u, coalesce (array_agg (j ->> 'mime' order by o), '{}') mi,
               coalesce (array_agg (j ->> 'name' order by o), '{}') na, coalesce (array_agg (j ->> 'sha256' order by o), '{}') sha
        from f
    ), ss as (
        select coalesce (array_agg (r order by r, p), '{}') r, coalesce (array_agg (p order by r, p), '{}') p,
               coalesce (array_agg (pg_temp.make_hash (j ->> 'id') order by r, p), '{}') h,
               coalesce (array_agg (j ->> 'id' order by r, p), '{}') e, coalesce (array_agg (j ->> 'status' order by r, p), '{}') st,
               coalesce (array_agg (j ->> 'code' order by r, p), '{}') code, coalesce (array_agg (j ->> 'detail' order by r, p), '{}') d,
               coalesce (array_agg ((j ->> 'at')::timestamptz order by r, p), '{}') t,
               coalesce (array_agg ((j ->> 'reference')::uuid order by r, p), '{}') f,
               coalesce (array_agg ((j ->> 'part')::int order by r, p), '{}') g,
               coalesce (array_agg (coalesce ((j ->> 'opted_out')::boolean, false) order by r, p), '{}') oo,
               coalesce (array_agg ((j ->> 'channel')::bigint order by r, p), '{}') ch,
               coalesce (array_agg (j ->> 'reason' order by r, p), '{}') re, coalesce (array_agg (j ->> 'title' order by r, p), '{}') ti,
               coalesce (array_agg (j -> 'data' order by r, p), '{}') da
        from s
    ), ts as (
        select coalesce (array_agg (r order by n), '{}') r, coalesce (array_agg (pg_temp.make_hash (j ->> 'id', 'n') order by n), '{}') h,
               coalesce (array_agg (pg_temp.make_id (p_seed, t, 3500 + n) order by n), '{}') id,
               coalesce (array_agg ((j ->> 'channel')::bigint order by n), '{}') ch, coalesce (array_agg (j ->> 'topic' order by n), '{}') topic,
               coalesce (array_agg (j ->> 'title' order by n), '{}') ti, coalesce (array_agg (j -> 'data' order by n), '{}') da,
               coalesce (array_agg ((j ->> 'at')::timestamptz order by n), '{}') a, coalesce (array_agg (j ->> 'health' order by n), '{}') he,
               coalesce (array_agg (j ->> 'remedy' order by n), '{}') re
        from t
    )
    select i.stored, i.known, i.quarantined, i.receipts
    from qs, ms, xs, fs, ss, ts,
         intake (qs.a, qs.c, qs.id, qs.t, qs.raw, qs.file, qs.size, qs.q,
                 ms.r, ms.h, ms.e, ms.id, ms.contact, ms.ticket, ms.f, ms.tt, ms.name, ms.te, ms.cn, ms.pt, ms.kw,
                 ms.ch, ms.rt, ms.wi, ms.ec, ms.qu, xs.n, xs.u,
                 fs.n, fs.p, fs.id, fs.u, fs.mi, fs.na, fs.sha,
                 ss.r, ss.p, ss.h, ss.e, ss.st, ss.code, ss.d, ss.t, ss.f, ss.g, ss.oo, ss.ch, ss.re, ss.ti, ss.da,
                 ts.r, ts.h, ts.id, ts.ch, ts.topic, ts.ti, ts.da, ts.a, ts.he, ts.re) i
$$;

-- One message in a request of its own, of a sender.
create function pg_temp.say (p_account bigint, p_channel bigint, p_id text, p_from text, p_text text default 'hello', p_at timestamptz default now ())
returns jsonb language sql as $$
    select jsonb_build_object ('account', p_account, 'channel', p_channel, 'at', p_at,
                               'messages', jsonb_build_array (jsonb_build_object ('id', p_id, 'from', p_from, 'text', p_text)))
$$;
