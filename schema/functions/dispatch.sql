-- Deliveries on their way: which gateway may send, what it takes, and what became of it.
--
-- Of a pair's unfinished deliveries one at most is ready (the baton); the pair's lock makes handing it on safe. Lock order: pairs,
-- deliveries, parts and messages, counters, each in key order.

-- Takes or keeps the channels that this gateway may send on; which of them it has. A lease that another holds is left to it until it ends.
create function own_channels (p_gateway uuid, p_accounts bigint[], p_channels bigint[], p_lease interval)
returns table (account_id bigint, channel_id bigint, paused boolean, health text) language sql as $$
    with own as (
    insert into gateway.channel_lease as l (account_id, channel_id, gateway_id, until)
    select a, c, p_gateway, clock_timestamp () + p_lease from unnest (p_accounts, p_channels) x (a, c) order by a, c
    on conflict (account_id, channel_id) do update set gateway_id = excluded.gateway_id, until = excluded.until
    where l.gateway_id = excluded.gateway_id or l.until < clock_timestamp ()
    returning l.account_id, l.channel_id
    )
    select own.account_id, own.channel_id, s.paused_at is not null, coalesce (s.health, 'up')
    from own left join gateway.channel_state s on s.account_id = own.account_id and s.channel_id = own.channel_id
$$;
comment on function own_channels is 'leases channels to a gateway, by the database''s clock; locks leases in key order';

create function leave_channels (p_gateway uuid) returns void language sql as $$
    delete from gateway.channel_lease l where l.gateway_id = p_gateway
$$;
comment on function leave_channels is 'gives all leases of a gateway back, when it stops';

-- Takes up to counts[i] due deliveries of channels[i] and lanes[i]. The lease is run_at itself, so a dead gateway's come back by themselves:
-- those are lost, what became of the attempt is not known. refusal: why one must not be sent any more.
create function claim (p_accounts bigint[], p_channels bigint[], p_lanes int[], p_counts int[], p_claim uuid, p_lease interval)
returns table (account_id bigint, channel_id bigint, uri text, "position" bigint, message_id uuid, lane int, attempt int, part int, n_parts int,
               weight int, lost boolean, refusal text, created_at timestamptz, give_up_at timestamptz, text text, content text,
               attachments text, notes text)
language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
begin
    return query
    with due as materialized (
        select d.account_id as a, d.channel_id as c, d.uri as u, d.position as p, d.claim_id is not null as lost
        from unnest (p_accounts, p_channels, p_lanes, p_counts) x (a, c, l, n)
        cross join lateral (
            select * from gateway.delivery k
            where k.account_id = a and k.channel_id = c and k.lane = l and k.state = 0 and k.run_at <= now ()
            order by k.run_at
            limit n
            for no key update skip locked
        ) d
    ), claimed as (
        update gateway.delivery d
        set claim_id = p_claim, run_at = now () + p_lease, attempts = d.attempts + (not due.lost)::int
        from due
        where d.account_id = due.a and d.channel_id = due.c and d.uri = due.u and d.position = due.p
        returning d.*, due.lost
    )
    select d.account_id, d.channel_id, d.uri, d.position, d.message_id, d.lane::int, d.attempts, d.part, coalesce (m.n_parts, 1), d.weight, d.lost,
           case when d.lost then null
                when d.expires_at <= now () then 'expired'
                when is_opted_out (d.account_id, d.channel_id, d.uri) then 'opted_out'
           end,
           d.created_at, d.give_up_at, m.text, m.content::text,
           case when m.has_attachments then (
               select json_agg (json_build_object ('id', f.attachment_id, 'mime', f.mime, 'name', f.name, 'size', f.size) order by f.position)
               from gateway.attachment f
               where f.account_id = m.account_id and f.message_id = m.message_id)::text end,
           d.notes::text
    from claimed d
    join gateway.message m on m.account_id = d.account_id and m.message_id = d.message_id
    order by 1, 2, 6, 4;
end $$;
comment on function claim is 'takes due deliveries; locks them, skipping what others hold';

-- Hands the baton on, in pairs without a ready delivery: the first that is held becomes ready, agents' replies before bulk. The caller holds
-- the pairs' locks.
create function promote (p_accounts bigint[], p_channels bigint[], p_uris text[]) returns void language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
    update gateway.delivery d
    set state = 0, run_at = now ()
    from (
        select a, c, u, n.position as p
        from (select distinct a, c, u from unnest (p_accounts, p_channels, p_uris) x (a, c, u)) y
        cross join lateral (
            select k.position from gateway.delivery k
            where k.account_id = a and k.channel_id = c and k.uri = u and k.state = 1
            order by k.lane, k.position
            limit 1
        ) n
        where not exists (select from gateway.delivery k where k.account_id = a and k.channel_id = c and k.uri = u and k.state = 0)
    ) next
    where d.account_id = next.a and d.channel_id = next.c and d.uri = next.u and d.position = next.p;
end $$;
comment on function promote is 'makes the next delivery of each pair ready; the caller holds the pairs';

-- Locks pairs in key order.
create function lock_pairs (p_accounts bigint[], p_channels bigint[], p_uris text[]) returns void language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
    perform from (select distinct a, c, u from unnest (p_accounts, p_channels, p_uris) x (a, c, u) order by 1, 2, 3) y
    cross join lateral (
        select from gateway.pair p where p.account_id = a and p.channel_id = c and p.uri = u for no key update
    ) z;
end $$;
comment on function lock_pairs is 'locks pairs in key order';

-- Raises messages to the status of their least advanced part, once all parts are there. Gives back those that changed, in key order.
create function raise_status (p_accounts bigint[], p_messages uuid[])
returns table (account_id bigint, message_id uuid, ticket_id uuid, status text)
language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
begin
    return query
    with said as materialized (
        select y.a, y.m, p.status, p.code, p.detail
        from (select distinct a, m from unnest (p_accounts, p_messages) x (a, m)) y
        cross join lateral (select count (*) as n from gateway.part k where k.account_id = y.a and k.message_id = y.m) counted
        cross join lateral (
            select k.status, k.code, k.detail from gateway.part k
            where k.account_id = y.a and k.message_id = y.m
            order by status_rank (k.status), k.part
            limit 1
        ) p
        where counted.n >= (select coalesce (k.n_parts, 1) from gateway.message k where k.account_id = y.a and k.message_id = y.m)
        order by 1, 2
    )
    update gateway.message m
    set status = s.status,
        error = case when s.status = 'failed' then
            coalesce (m.error, jsonb_build_object ('code', 'not_delivered', 'title', 'the provider could not deliver it', 'detail', s.detail,
                                                   'provider_code', s.code))
        end
    from said s
    where m.account_id = s.a and m.message_id = s.m and status_rank (s.status) > status_rank (m.status)
    returning m.account_id, m.message_id, m.ticket_id, m.status;
end $$;
comment on function raise_status is 'makes messages as advanced as their least advanced part; locks messages';

-- What became of attempts; one position an attempt, in the order in which claim gave them. s_outcome:
--   sent        this part is with the provider, and it was the last one: done
--   progress    this part is with the provider, more follow: the claim is kept
--   retry       again at s_retry_at
--   failed      never; s_code and s_title say why
--   opted_out   never, and nothing more to this person
--   uncertain   may have happened; again at s_retry_at, or, where that is null or too late, held for a hand
--   release     was not begun: as if it had not been claimed
-- Fenced by claim_id: what a gateway reports whose lease ended changes no delivery, but what it learned of the provider is kept.
-- Gives back how many were still its own. Locks pairs, deliveries, messages, counters.
create function settle (
    p_claim uuid, p_now timestamptz,
    s_account bigint[], s_channel bigint[], s_uri text[], s_position bigint[], s_message uuid[], s_attempt int[], s_part int[],
    s_outcome text[], s_external_id text[], s_hash bytea[], s_code text[], s_title text[], s_detail text[], s_provider_code text[],
    s_http int[], s_milliseconds int[], s_retry_at timestamptz[], s_notes jsonb[], s_id uuid[]
) returns int language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    v_mine int[];
    e_account bigint[]; e_type text[]; e_ticket uuid[]; e_message uuid[]; e_subject uuid[];
begin
    perform lock_pairs (s_account, s_channel, s_uri);
    select coalesce (array_agg (o), '{}') into v_mine
    from unnest (s_account, s_channel, s_uri, s_position, s_message) with ordinality x (a, c, u, p, m, o)
    where exists (select from gateway.delivery d where d.account_id = a and d.channel_id = c and d.uri = u and d.position = p
                  and d.message_id = m and d.claim_id = p_claim);

    insert into gateway.attempt (account_id, message_id, attempt, part, at, outcome, http_status, code, detail, milliseconds)
    select a, m, n, p, p_now, case o when 'progress' then 'sent' else o end, h, pc, d, ms
    from unnest (s_account, s_message, s_attempt, s_part, s_outcome, s_http, s_provider_code, s_detail, s_milliseconds) x (a, m, n, p, o, h, pc, d, ms)
    where o <> 'release'
    on conflict do nothing;

    -- What the provider calls it, and what it said of it before we knew that name.
    insert into gateway.provider_id (account_id, channel_id, hash, message_id, part, created_at)
    select a, c, h, m, p, p_now
    from unnest (s_account, s_channel, s_hash, s_message, s_part, s_outcome) x (a, c, h, m, p, o)
    where o in ('sent', 'progress') and h is not null
    order by 1, 2, 3
    on conflict do nothing;
    update gateway.receipt r set pending = true
    from unnest (s_account, s_channel, s_hash, s_outcome) x (a, c, h, o)
    where o in ('sent', 'progress') and r.account_id = a and r.channel_id = c and r.hash = h and r.message_id is null and not r.pending;

    -- Failing ends all parts that are left.
    insert into gateway.part as k (account_id, message_id, part, status, external_id, code, detail, updated_at)
    select a, m, p, 'sent', e, null, null, p_now
    from unnest (s_account, s_message, s_part, s_outcome, s_external_id) x (a, m, p, o, e)
    where o in ('sent', 'progress')
    union all
    select a, m, g, 'failed', null, pc, d, p_now
    from unnest (s_account, s_message, s_part, s_outcome, s_provider_code, s_detail) with ordinality x (a, m, p, o, pc, d, i)
    join gateway.message f on f.account_id = a and f.message_id = m
    cross join lateral generate_series (p, coalesce (f.n_parts, 1) - 1) g
    where o in ('failed', 'opted_out') and i = any (v_mine)
    order by 1, 2, 3
    on conflict (account_id, message_id, part) do update
    set external_id = coalesce (k.external_id, excluded.external_id),
        status = case when status_rank (excluded.status) > status_rank (k.status) then excluded.status else k.status end,
        updated_at = excluded.updated_at;

    update gateway.message m
    set error = jsonb_build_object ('code', c, 'title', t, 'detail', d, 'provider_code', pc)
    from unnest (s_account, s_message, s_outcome, s_code, s_title, s_detail, s_provider_code) with ordinality x (a, m_, o, c, t, d, pc, i)
    where m.account_id = a and m.message_id = m_ and o in ('failed', 'opted_out') and i = any (v_mine);

    with raised as (
        select r.account_id, 'message.' || r.status as type, r.ticket_id, r.message_id, null::uuid as subject
        from raise_status (s_account, s_message) r
    ), unsure as (
        update gateway.message m set status = 'uncertain'
        from unnest (s_account, s_message, s_outcome) with ordinality x (a, m_, o, i)
        where m.account_id = a and m.message_id = m_ and o = 'uncertain' and i = any (v_mine) and m.status = 'queued'
        returning m.account_id, 'message.uncertain', m.ticket_id, m.message_id, null::uuid
    )
    select array_agg (a), array_agg (ty), array_agg (t), array_agg (m), array_agg (s)
    into e_account, e_type, e_ticket, e_message, e_subject
    from (select * from raised union all select * from unsure) y (a, ty, t, m, s);

    with refused as (
        insert into gateway.opt_out (account_id, opt_out_id, channel_id, uri, source, word, at)
        select distinct on (a, c, u) a, i, c, u, 'provider', pc, p_now
        from unnest (s_account, s_id, s_channel, s_uri, s_outcome, s_provider_code) x (a, i, c, u, o, pc)
        where o = 'opted_out' and not is_opted_out (a, c, u)
        order by 1, 3, 4
        on conflict do nothing
        returning account_id, uri
    )
    select e_account || coalesce (array_agg (r.account_id), '{}'), e_type || array_agg ('contact.opted_out'::text),
           e_ticket || array_agg (null::uuid), e_message || array_agg (null::uuid), e_subject || array_agg (k.contact_id)
    into e_account, e_type, e_ticket, e_message, e_subject
    from refused r
    join gateway.address k on k.account_id = r.account_id and k.uri = r.uri;

    delete from gateway.delivery d
    using unnest (s_account, s_channel, s_uri, s_position, s_outcome) with ordinality x (a, c, u, p, o, i)
    where d.account_id = a and d.channel_id = c and d.uri = u and d.position = p and i = any (v_mine)
      and o in ('sent', 'failed', 'opted_out');
    update gateway.delivery d
    set run_at = case o when 'progress' then d.run_at when 'release' then p_now else coalesce (r, d.give_up_at) end,
        claim_id = case when o = 'progress' then d.claim_id end,
        attempts = d.attempts - (o = 'release')::int,
        part = d.part + (o = 'progress')::int,
        notes = coalesce (n, d.notes),
        uncertain = d.uncertain or o = 'uncertain',
        state = case when o = 'uncertain' and (r is null or r > d.give_up_at) then 2 else d.state end
    from unnest (s_account, s_channel, s_uri, s_position, s_outcome, s_retry_at, s_notes) with ordinality x (a, c, u, p, o, r, n, i)
    where d.account_id = a and d.channel_id = c and d.uri = u and d.position = p and i = any (v_mine)
      and o in ('progress', 'retry', 'uncertain', 'release');
    perform promote (s_account, s_channel, s_uri);

    perform tell (e_account, e_type, e_ticket, e_message, e_subject, p_now);
    return cardinality (v_mine);
end $$;
comment on function settle is 'what became of attempts; locks pairs, deliveries, messages, counters in key order';

create function is_opted_out (p_account bigint, p_channel bigint, p_uri text) returns boolean language sql stable as $$
    select exists (
        select from gateway.opt_out o
        where o.account_id = p_account and o.uri = p_uri and coalesce (o.channel_id, 0) in (0, p_channel) and o.ended_at is null)
$$;
comment on function is_opted_out is 'whether nothing must be sent to this address on this channel; no locks';

-- What a gateway that is no more had claimed on these channels comes back at once; their new owner asks, who alone may send there.
create function recover_channels (p_accounts bigint[], p_channels bigint[]) returns int language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    v_n int;
begin
    update gateway.delivery d set run_at = now ()
    from unnest (p_accounts, p_channels) x (a, c)
    where d.account_id = a and d.channel_id = c and d.state = 0 and d.claim_id is not null;
    get diagnostics v_n = row_count;
    return v_n;
end $$;
comment on function recover_channels is 'ends the claims of a gateway that is no more; locks deliveries';

-- Says how a channel fares; an event where that changed between up and down. Gives back whether it did. Locks its state, then the counter.
create function set_health (p_account bigint, p_channel bigint, p_health text, p_cause text, p_remedy text, p_now timestamptz)
returns boolean language plpgsql as $$
declare
    v_old text;
    v_number bigint;
begin
    insert into gateway.channel_state (account_id, channel_id, since) values (p_account, p_channel, p_now) on conflict do nothing;
    select s.health into v_old from gateway.channel_state s where s.account_id = p_account and s.channel_id = p_channel for no key update;
    update gateway.channel_state s
    set health = p_health, cause = p_cause, remedy = p_remedy, checked_at = p_now, since = case when v_old = p_health then s.since else p_now end
    where s.account_id = p_account and s.channel_id = p_channel;
    if v_old = p_health then
        return false;
    end if;
    insert into gateway.counter as c (account_id, last_event) values (p_account, 1)
    on conflict (account_id) do update set last_event = c.last_event + 1
    returning c.last_event into v_number;
    insert into gateway.event (account_id, number, type, at, channel_id) values (p_account, v_number, 'channel.' || p_health, p_now, p_channel);
    return true;
end $$;
comment on function set_health is 'how a channel fares; locks its state and the counter';
