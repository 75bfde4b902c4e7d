-- Deliveries on their way: which gateway may send, what it takes, and what became of it.
--
-- Of a pair's unfinished deliveries one at most is ready (the baton); the pair's lock makes handing it on safe. Lock order: pairs, tickets,
-- deliveries, provider_id, receipts, messages, opt_out, counters, each in key order. claim alone takes deliveries without their pairs; it
-- waits for nobody.

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
    perform plan_young ();
    return query
    with due as materialized (
        select d.account_id as a, d.channel_id as c, d.uri as u, d.position as p, d.message_id as m, d.claim_id is not null as lost
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
        set claim_id = p_claim, run_at = now () + p_lease, attempts = d.attempts + (not due.lost)::int, uncertain = d.uncertain or due.lost
        from due
        where d.account_id = due.a and d.channel_id = due.c and d.uri = due.u and d.position = due.p and d.message_id = due.m
        returning d.*, due.lost
    )
    select d.account_id, d.channel_id, d.uri, d.position, d.message_id, d.lane::int, d.attempts, d.part, coalesce (m.n_parts, 1), d.weight, d.lost,
           case when d.lost then null
                when d.expires_at <= now () then 'expired'
                when is_opted_out (d.account_id, d.channel_id, d.uri) then 'opted_out'
                when is_blocked (d.account_id, d.uri) then 'blocked'
           end,
           d.created_at, d.give_up_at, m.text, m.content::text,
           case when m.has_attachments then (
               select json_agg (json_build_object ('id', f.attachment_id, 'mime', f.mime, 'name', f.name, 'size', f.size) order by f.position)
               from gateway.attachment f
               where f.account_id = m.account_id and f.message_id = m.message_id)::text end,
           d.notes #>> '{}'
    from claimed d
    join gateway.message m on m.account_id = d.account_id and m.message_id = d.message_id
    order by 1, 2, 6, 4;
end $$;
comment on function claim is 'takes due deliveries; locks them, skipping what others hold';

-- What became of attempts; one position an attempt, in the order in which claim gave them. s_outcome:
--   sent        this part is with the provider, and it was the last one: done
--   progress    this part is with the provider, more follow: the claim is kept
--   retry       again at s_retry_at
--   failed      never; s_code and s_title say why
--   opted_out   never, and nothing more to this person
--   uncertain   may have happened; again at s_retry_at, or, where that is null or too late, held for a hand
--   release     was not begun: as if it had not been claimed
-- What a gateway had lost (claim says so) is never reported as release: nobody knows that it was not begun.
-- Fenced by claim_id: what a gateway reports whose lease ended moves no delivery that another has claimed, but what it learned of the provider
-- is kept, and a delivery that is proven by it is done. Gives back how many were still its own. Locks pairs, deliveries, provider_id, receipts,
-- messages, opt_out, counters.
create function settle (
    p_claim uuid, p_now timestamptz,
    s_account bigint[], s_channel bigint[], s_uri text[], s_position bigint[], s_message uuid[], s_attempt int[], s_part int[],
    s_outcome text[], s_external_id text[], s_hash bytea[], s_code text[], s_title text[], s_detail text[], s_provider_code text[],
    s_http int[], s_milliseconds int[], s_retry_at timestamptz[], s_notes text[], s_id uuid[]
) returns int language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    v_todo text[]; v_mine int;
    e_account bigint[]; e_type text[]; e_ticket uuid[]; e_message uuid[]; e_subject uuid[];
begin
    perform plan_young ();
    perform lock_pairs (s_account, s_channel, s_uri);

    -- What is to become of each delivery; null: it is not ours any more, or a later position speaks of it, too. Locked, because a claim takes what
    -- has run out without the pair. 'proven': a receipt came for this part, of an earlier attempt, so whatever this one met, it is out.
    with given as materialized (
        select *, row_number () over (partition by a, c, u, p order by i desc) = 1 as last
        from unnest (s_account, s_channel, s_uri, s_position, s_message, s_part, s_outcome) with ordinality x (a, c, u, p, m, g, o, i)
        order by a, c, u, p, i
    ), ours as materialized (
        select given.*, d.yes is not null as mine
        from given
        left join lateral (
            select true as yes from gateway.delivery k
            where k.account_id = a and k.channel_id = c and k.uri = u and k.position = p and k.message_id = m and k.claim_id = p_claim
            for no key update
        ) d on true
    )
    select count (*) filter (where mine),
           array_agg (case when mine and last then
                          case when o in ('failed', 'opted_out', 'uncertain') and exists (
                                   select from gateway.part k where k.account_id = a and k.message_id = m and k.part = g) then 'proven'
                               else o end
                      end order by i)
    into v_mine, v_todo
    from ours;

    insert into gateway.attempt (account_id, message_id, attempt, part, at, outcome, http_status, code, detail, milliseconds)
    select a, m, n, p, p_now, case o when 'progress' then 'sent' else o end, h, pc, d, ms
    from unnest (s_account, s_message, s_attempt, s_part, s_outcome, s_http, s_provider_code, s_detail, s_milliseconds) x (a, m, n, p, o, h, pc, d, ms)
    where o <> 'release'
    on conflict do nothing;
    perform learn_ids (s_account, s_channel, s_hash, s_message, s_part, p_now);

    -- Failing ends all parts that are left.
    insert into gateway.part as k (account_id, message_id, part, status, external_id, code, detail, updated_at)
    select a, m, p, 'sent', e, null, null, p_now
    from unnest (s_account, s_message, s_part, s_outcome, s_external_id) x (a, m, p, o, e)
    where o in ('sent', 'progress')
    union all
    select a, m, g, 'failed', null, pc, d, p_now
    from unnest (s_account, s_message, s_part, v_todo, s_provider_code, s_detail) x (a, m, p, o, pc, d)
    cross join lateral generate_series (p, (
        select coalesce (f.n_parts, 1) - 1 from gateway.message f where f.account_id = a and f.message_id = m)) g
    where o in ('failed', 'opted_out')
    order by 1, 2, 3
    on conflict (account_id, message_id, part) do update
    set external_id = coalesce (k.external_id, excluded.external_id),
        status = case when status_rank (excluded.status) > status_rank (k.status) then excluded.status else k.status end,
        updated_at = excluded.updated_at;
    update gateway.message m
    set error = jsonb_build_object ('code', c, 'title', t, 'detail', d, 'provider_code', pc)
    from unnest (s_account, s_message, v_todo, s_code, s_title, s_detail, s_provider_code) x (a, m_, o, c, t, d, pc)
    where m.account_id = a and m.message_id = m_ and o in ('failed', 'opted_out');

    with raised as (
        select r.account_id, 'message.' || r.status, r.ticket_id, r.message_id
        from raise_status (s_account, s_message) r
    ), unsure as (
        update gateway.message m set status = 'uncertain'
        from unnest (s_account, s_message, v_todo) x (a, m_, o)
        where m.account_id = a and m.message_id = m_ and o = 'uncertain' and m.status = 'queued'
        returning m.account_id, 'message.uncertain', m.ticket_id, m.message_id
    )
    select array_agg (a), array_agg (ty), array_agg (t), array_agg (m), array_agg (null::uuid)
    into e_account, e_type, e_ticket, e_message, e_subject
    from (select * from raised union all select * from unsure) y (a, ty, t, m);
    if 'opted_out' = any (s_outcome) then
        select e_account || array_agg (r.account_id), e_type || array_agg ('contact.opted_out'::text), e_ticket || array_agg (null::uuid),
               e_message || array_agg (null::uuid), e_subject || array_agg (r.contact_id)
        into e_account, e_type, e_ticket, e_message, e_subject
        from (select array_agg (a) as a, array_agg (i) as i, array_agg (c) as c, array_agg (u) as u, array_agg (pc) as pc
              from unnest (s_account, s_id, s_channel, s_uri, s_outcome, s_provider_code) x (a, i, c, u, o, pc)
              where o = 'opted_out') y
        cross join lateral opt_out (y.a, y.i, y.c, y.u, 'provider', y.pc, array_fill (null::uuid, array[cardinality (y.a)]), p_now) r;
    end if;

    delete from gateway.delivery d
    using unnest (s_account, s_channel, s_uri, s_position, s_message, v_todo) x (a, c, u, p, m, o)
    where d.account_id = a and d.channel_id = c and d.uri = u and d.position = p and d.message_id = m and o in ('sent', 'failed', 'opted_out');
    update gateway.delivery d
    set run_at = case o when 'progress' then greatest (d.run_at, now () + coalesce (r - p_now, '0')) else now () + coalesce (r - p_now, '0') end,
        claim_id = case o when 'progress' then d.claim_id end,
        attempts = d.attempts - (o = 'release')::int,
        part = case o when 'progress' then g + 1 else d.part end,
        notes = case when o <> 'progress' then coalesce (to_jsonb (n), d.notes) end,
        uncertain = o = 'uncertain' or d.uncertain and o <> 'progress',
        state = case when o = 'uncertain' and (r is null or r > d.give_up_at) then 2 else d.state end
    from unnest (s_account, s_channel, s_uri, s_position, s_message, s_part, v_todo, s_retry_at, s_notes) x (a, c, u, p, m, g, o, r, n)
    where d.account_id = a and d.channel_id = c and d.uri = u and d.position = p and d.message_id = m and o in ('progress', 'retry', 'uncertain', 'release', 'proven');
    perform catch_up (s_account, s_message);
    perform promote (s_account, s_channel, s_uri);
    perform tell (e_account, e_type, e_ticket, e_message, e_subject, p_now);
    return v_mine;
end $$;
comment on function settle is 'what became of attempts; locks pairs, deliveries, provider_id, receipts, messages, opt_out, counters in key order';

-- What a gateway that is no more had claimed on these channels comes back at once; their new owner asks, who alone may send there. What it has
-- claimed itself is under way still: the channel left its configuration and came back meanwhile.
create function recover_channels (p_gateway uuid, p_accounts bigint[], p_channels bigint[]) returns int language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    v_n int;
begin
    update gateway.delivery d set run_at = now ()
    from unnest (p_accounts, p_channels) x (a, c)
    where d.account_id = a and d.channel_id = c and d.state = 0 and d.claim_id <> p_gateway;
    get diagnostics v_n = row_count;
    return v_n;
end $$;
comment on function recover_channels is 'ends the claims of a gateway that is no more; locks deliveries';

-- Whether the time of a delivery has passed and nobody is at it.
create function is_over (d gateway.delivery, p_now timestamptz) returns boolean language sql stable as $$
    select d.state < 2 and (d.claim_id is null or d.run_at <= p_now) and least (d.give_up_at, d.expires_at) <= p_now
$$;

-- Nobody claims on a channel that left the configuration, is paused or down. What waits there goes out when it is back; what has waited for longer
-- than its time is given up here, a thousand at once; of what was begun nobody knows whether it is out. p_claim: new with every call.
create function give_up_stranded (p_claim uuid, p_now timestamptz) returns int language plpgsql as $$
declare
    s_account bigint[]; s_channel bigint[]; s_uri text[];
    v_n int;
begin
    select array_agg (x.a), array_agg (x.c), array_agg (x.u) into s_account, s_channel, s_uri
    from (select d.account_id as a, d.channel_id as c, d.uri as u
          from gateway.channel k
          join gateway.delivery d on d.account_id = k.account_id and d.channel_id = k.channel_id
          left join gateway.channel_state s on s.account_id = k.account_id and s.channel_id = k.channel_id
          where (k.disabled_at is not null or s.paused_at is not null or s.health = 'down') and is_over (d, p_now)
          limit 1000) x;
    perform lock_pairs (s_account, s_channel, s_uri);
    with due as (
        update gateway.delivery d set claim_id = p_claim, attempts = d.attempts + 1, uncertain = d.uncertain or d.claim_id is not null
        from unnest (s_account, s_channel, s_uri) x (a, c, u)
        where d.account_id = a and d.channel_id = c and d.uri = u and is_over (d, p_now)
        returning d.*
    ), given as (
        select due.*, case when uncertain then 'uncertain' else 'failed' end as outcome,
               case when uncertain then 'interrupted' when expires_at <= p_now then 'expired' else 'given_up' end as code,
               case when uncertain then null when expires_at <= p_now then 'it could not be sent before expires_at'
                    when disabled_at is not null then 'its channel left the configuration'
                    else 'it could not be sent within the channel''s give_up_after' end as title
        from due join gateway.channel using (account_id, channel_id)
        order by account_id, channel_id, uri, position
    )
    select settle (p_claim, p_now, array_agg (account_id), array_agg (channel_id), array_agg (uri), array_agg (position), array_agg (message_id),
                   array_agg (attempts), array_agg (part), array_agg (outcome), array_agg (null::text), array_agg (null::bytea), array_agg (code),
                   array_agg (title), array_agg (null::text), array_agg (null::text), array_agg (null::int), array_agg (0),
                   array_agg (null::timestamptz), array_agg (null::text), array_agg (p_claim))
    into v_n
    from given
    having count (*) > 0;
    return coalesce (v_n, 0);
end $$;
comment on function give_up_stranded is 'ends deliveries of channels that nobody sends on, whose time has passed; locks as settle does';

-- A gateway whose connection broke while it claimed does not know what it got. What it claimed on these channels and does not hold was never
-- begun: it is as if it had not been claimed. But what was uncertain before may be what another gateway lost: that is claimed as lost again.
create function let_go (p_claim uuid, p_accounts bigint[], p_channels bigint[], p_held uuid[]) returns int language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    v_n int;
begin
    update gateway.delivery d
    set run_at = now (), claim_id = case when d.uncertain then d.claim_id end, attempts = d.attempts - (not d.uncertain)::int
    from unnest (p_accounts, p_channels) x (a, c)
    where d.account_id = a and d.channel_id = c and d.state = 0 and d.claim_id = p_claim and not d.message_id = any (p_held);
    get diagnostics v_n = row_count;
    return v_n;
end $$;
comment on function let_go is 'gives back what a gateway claimed without learning of it; locks deliveries';

-- Says how a channel fares; an event where that changed. Gives back whether it did. Locks its state, then the counter.
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

-- What waits on these channels: how many, counted up to a hundred thousand, and since when the oldest that is due could have gone.
create function outbox (p_accounts bigint[], p_channels bigint[]) returns table (waiting bigint, oldest_due timestamptz) language sql stable as $$
    select (select count (*) from (
                select from unnest (p_accounts, p_channels) x (a, c)
                join gateway.delivery d on d.account_id = a and d.channel_id = c
                limit 100000) y),
           (select min (z.run_at) from unnest (p_accounts, p_channels) x (a, c)
            cross join unnest (array[0, 1]) l
            cross join lateral (
                select d.run_at from gateway.delivery d
                where d.account_id = a and d.channel_id = c and d.lane = l and d.state = 0 and d.claim_id is null and d.run_at <= now ()
                order by d.run_at
                limit 1) z)
$$;
comment on function outbox is 'how much waits to be sent, for /metrics; no locks';
