-- What providers say later of what was sent. intake() only keeps a receipt; here it finds its message. A receipt may come twice, late, in
-- any order and before the answer to the send: so statuses only rise, and one that finds no message is looked at again for a minute,
-- and when its message becomes known (settle), and is kept for a week.

-- Matches up to p_limit receipts; how many were looked at. Locks receipts, pairs, deliveries, messages, counters.
create function match_receipts (p_limit int, p_now timestamptz) returns int language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    v_account bigint[]; v_channel bigint[]; v_uri text[]; v_message uuid[]; v_part int[]; v_hash bytea[]; v_external_id text[];
    v_status text[]; v_code text[]; v_detail text[]; v_opted_out boolean[]; v_journal uuid[];
    e_account bigint[]; e_type text[]; e_ticket uuid[]; e_message uuid[]; e_subject uuid[];
    v_n int;
begin
    with taken as materialized (
        select r.account_id, r.channel_id, r.hash, r.journal_id, r.position
        from gateway.receipt r
        where r.pending
        order by r.at
        limit p_limit
        for no key update skip locked
    ), seen as (
        update gateway.receipt r
        set message_id = found.message_id,
            pending = found.message_id is null and r.at > p_now - interval '1 minute'
        from taken t
        cross join lateral (select) nothing
        left join lateral (
            select k.* from gateway.receipt k
            where k.account_id = t.account_id and k.channel_id = t.channel_id and k.hash = t.hash and k.journal_id = t.journal_id
              and k.position = t.position
        ) own on true
        left join lateral (
            select m.message_id, m.to_uri, x.part
            from (
                select own.reference as id, own.reference_part as part where own.reference is not null
                union all
                select p.message_id, p.part from gateway.provider_id p
                where p.account_id = t.account_id and p.channel_id = t.channel_id and p.hash = t.hash
            ) x
            join gateway.message m on m.account_id = t.account_id and m.message_id = x.id
            where m.kind = 'outgoing' and m.channel_id = t.channel_id
            limit 1
        ) found on true
        where r.account_id = t.account_id and r.channel_id = t.channel_id and r.hash = t.hash and r.journal_id = t.journal_id
          and r.position = t.position
        returning r.account_id, r.channel_id, found.to_uri, r.message_id, coalesce (found.part, 0), r.hash, r.external_id, r.status, r.code, r.detail,
                  r.opted_out, r.journal_id
    )
    select count (*), array_agg (a) filter (where m is not null), array_agg (c) filter (where m is not null),
           array_agg (u) filter (where m is not null), array_agg (m) filter (where m is not null),
           array_agg (p) filter (where m is not null), array_agg (h) filter (where m is not null),
           array_agg (x) filter (where m is not null), array_agg (s) filter (where m is not null),
           array_agg (co) filter (where m is not null), array_agg (d) filter (where m is not null),
           array_agg (o) filter (where m is not null), array_agg (j) filter (where m is not null)
    into v_n, v_account, v_channel, v_uri, v_message, v_part, v_hash, v_external_id, v_status, v_code, v_detail, v_opted_out, v_journal
    from seen y (a, c, u, m, p, h, x, s, co, d, o, j);
    if v_account is null then
        return v_n;
    end if;

    perform lock_pairs (v_account, v_channel, v_uri);

    insert into gateway.provider_id (account_id, channel_id, hash, message_id, part, created_at)
    select a, c, h, m, p, p_now from unnest (v_account, v_channel, v_hash, v_message, v_part) x (a, c, h, m, p)
    order by 1, 2, 3
    on conflict do nothing;

    -- Of several receipts of a part in this batch the furthest counts.
    insert into gateway.part as k (account_id, message_id, part, status, external_id, code, detail, updated_at)
    select distinct on (a, m, p) a, m, p, s, x, c, d, p_now
    from unnest (v_account, v_message, v_part, v_status, v_external_id, v_code, v_detail) y (a, m, p, s, x, c, d)
    where s <> 'queued'
    order by a, m, p, status_rank (s) desc
    on conflict (account_id, message_id, part) do update
    set status = excluded.status, code = excluded.code, detail = excluded.detail, updated_at = excluded.updated_at,
        external_id = coalesce (k.external_id, excluded.external_id)
    where status_rank (excluded.status) > status_rank (k.status);

    select array_agg (r.account_id), array_agg ('message.' || r.status), array_agg (r.ticket_id), array_agg (r.message_id),
           array_agg (null::uuid)
    into e_account, e_type, e_ticket, e_message, e_subject
    from raise_status (v_account, v_message) r;

    -- A delivery whose answer was lost is settled by its receipt: the part was sent. While an attempt is under way, its own answer settles it.
    with proven as materialized (
        select distinct d.account_id as a, d.channel_id as c, d.uri as u, d.position as p, coalesce (m.n_parts, 1) as n
        from unnest (v_account, v_message, v_part, v_status) x (a, m_, p, s)
        join gateway.delivery d on d.account_id = a and d.message_id = m_
        join gateway.message m on m.account_id = a and m.message_id = m_
        where d.part <= x.p and x.s <> 'queued' and (d.claim_id is null or d.run_at <= p_now)
    ), done as (
        delete from gateway.delivery d using proven
        where d.account_id = a and d.channel_id = c and d.uri = u and d.position = p and d.part + 1 >= n
    )
    update gateway.delivery d
    set part = d.part + 1, uncertain = false, claim_id = null, run_at = p_now, state = case d.state when 2 then 1 else d.state end
    from proven
    where d.account_id = a and d.channel_id = c and d.uri = u and d.position = p and d.part + 1 < n;
    perform promote (v_account, v_channel, v_uri);

    with refused as (
        insert into gateway.opt_out (account_id, opt_out_id, channel_id, uri, source, word, journal_id, at)
        select distinct on (a, c, u) a, j, c, u, 'provider', co, j, p_now
        from unnest (v_account, v_channel, v_uri, v_opted_out, v_code, v_journal) x (a, c, u, o, co, j)
        where o and not is_opted_out (a, c, u)
        order by a, c, u, j
        on conflict do nothing
        returning account_id, uri
    )
    select e_account || coalesce (array_agg (r.account_id), '{}'), e_type || array_agg ('contact.opted_out'::text),
           e_ticket || array_agg (null::uuid), e_message || array_agg (null::uuid), e_subject || array_agg (k.contact_id)
    into e_account, e_type, e_ticket, e_message, e_subject
    from refused r
    join gateway.address k on k.account_id = r.account_id and k.uri = r.uri;

    perform tell (e_account, e_type, e_ticket, e_message, e_subject, p_now);
    return v_n;
end $$;
comment on function match_receipts is 'gives receipts to their messages; locks receipts, pairs, deliveries, messages, counters';
