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

create function pg_temp.make_hash (p_external_id text) returns bytea language sql as $$
    select substr (sha256 (convert_to ('m ' || p_external_id, 'UTF8')), 1, 16)
$$;

-- Requests: [{account, channel, at, raw, quarantine, messages: [{id, from, name, text, at, keyword,
-- files: [{url, mime, name}]}], receipts: [{id, status, code, detail, at, reference, part, opted_out}]}]
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
               coalesce (array_agg (jsonb_build_object ('kind', 'text', 'text', j ->> 'text') order by n), '{}') cn,
               coalesce (array_agg ((j ->> 'at')::timestamptz order by n), '{}') pt,
               coalesce (array_agg (j ->> 'keyword' order by n), '{}') kw
        from m
    ), fs as (
        select coalesce (array_agg (n order by o), '{}') n, coalesce (array_agg (p order by o), '{}') p,
               coalesce (array_agg (pg_temp.make_id (p_seed, t, 3072 + o) order by o), '{}') id,
               coalesce (array_agg (j ->> 'url' order by o), '{}') u, coalesce (array_agg (j ->> 'mime' order by o), '{}') mi,
               coalesce (array_agg (j ->> 'name' order by o), '{}') na
        from f
    ), ss as (
        select coalesce (array_agg (r order by r, p), '{}') r, coalesce (array_agg (p order by r, p), '{}') p,
               coalesce (array_agg (pg_temp.make_hash (j ->> 'id') order by r, p), '{}') h,
               coalesce (array_agg (j ->> 'id' order by r, p), '{}') e, coalesce (array_agg (j ->> 'status' order by r, p), '{}') st,
               coalesce (array_agg (j ->> 'code' order by r, p), '{}') code, coalesce (array_agg (j ->> 'detail' order by r, p), '{}') d,
               coalesce (array_agg ((j ->> 'at')::timestamptz order by r, p), '{}') t,
               coalesce (array_agg ((j ->> 'reference')::uuid order by r, p), '{}') f,
               coalesce (array_agg ((j ->> 'part')::int order by r, p), '{}') g,
               coalesce (array_agg (coalesce ((j ->> 'opted_out')::boolean, false) order by r, p), '{}') oo
        from s
    )
    select i.stored, i.known, i.quarantined, i.receipts
    from qs, ms, fs, ss,
         intake (qs.a, qs.c, qs.id, qs.t, qs.raw, qs.file, qs.size, qs.q,
                 ms.r, ms.h, ms.e, ms.id, ms.contact, ms.ticket, ms.f, ms.tt, ms.name, ms.te, ms.cn, ms.pt, ms.kw,
                 fs.n, fs.p, fs.id, fs.u, fs.mi, fs.na,
                 ss.r, ss.p, ss.h, ss.e, ss.st, ss.code, ss.d, ss.t, ss.f, ss.g, ss.oo) i
$$;

-- One message in a request of its own, of a sender.
create function pg_temp.say (p_account bigint, p_channel bigint, p_id text, p_from text, p_text text default 'hello', p_at timestamptz default now ())
returns jsonb language sql as $$
    select jsonb_build_object ('account', p_account, 'channel', p_channel, 'at', p_at,
                               'messages', jsonb_build_array (jsonb_build_object ('id', p_id, 'from', p_from, 'text', p_text)))
$$;
