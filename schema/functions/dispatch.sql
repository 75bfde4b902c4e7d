-- Deliveries on their way: which gateway may send, and what it takes (settle.sql: what became of it).
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
-- those are lost, what became of the attempt is not known. refusal: why one must not be sent any more. attachments: known is the provider's id of a
-- file, where the channel has learned it. reply_to: the provider's id of the message that is answered.
create function claim (p_accounts bigint[], p_channels bigint[], p_lanes int[], p_counts int[], p_claim uuid, p_lease interval)
returns table (account_id bigint, channel_id bigint, uri text, "position" bigint, message_id uuid, lane int, attempt int, part int, n_parts int,
               weight int, lost boolean, refusal text, created_at timestamptz, give_up_at timestamptz, text text, content text,
               attachments text, notes text, reply_to text)
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
               select json_agg (json_build_object ('id', f.attachment_id, 'mime', f.mime, 'name', f.name, 'size', f.size, 'sha256', f.hex,
                                                   'known', n.value) order by f.position)
               from (select *, encode (k.sha256, 'hex') as hex from gateway.attachment k) f
               left join lateral (
                   select k.value from gateway.channel_note k
                   where k.account_id = d.account_id and k.channel_id = d.channel_id and k.key = 'file ' || f.hex and k.expires_at > now ()) n on true
               where f.account_id = m.account_id and f.message_id = m.message_id)::text end,
           d.notes #>> '{}',
           case when m.in_reply_to is not null then (
               select case when k.kind = 'incoming' then k.external_id else (
                   select p.external_id from gateway.part p where p.account_id = k.account_id and p.message_id = k.message_id and p.part = 0) end
               from gateway.message k
               where k.account_id = m.account_id and k.message_id = m.in_reply_to) end
    from claimed d
    join gateway.message m on m.account_id = d.account_id and m.message_id = d.message_id
    order by 1, 2, 6, 4;
end $$;
comment on function claim is 'takes due deliveries; locks them, skipping what others hold';

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
