-- How channels fare, for the API, for whoever operates them, and for the gateway that looks after them.

-- Notes how a channel fares. Gives back whether that changed: then the caller says so to the log.
create function note_health (p_account bigint, p_channel bigint, p_health text, p_cause text, p_remedy text, p_now timestamptz)
returns boolean language plpgsql as $$
declare
    v_old text;
begin
    insert into gateway.channel_state (account_id, channel_id, since) values (p_account, p_channel, p_now) on conflict do nothing;
    select s.health into v_old from gateway.channel_state s where s.account_id = p_account and s.channel_id = p_channel for no key update;
    update gateway.channel_state s
    set health = p_health, cause = p_cause, remedy = p_remedy, checked_at = p_now, since = case when v_old = p_health then s.since else p_now end
    where s.account_id = p_account and s.channel_id = p_channel;
    return v_old <> p_health;
end $$;
comment on function note_health is 'how a channel fares; locks its state';

-- The same, with its event. Locks its state, then the counter.
create function set_health (p_account bigint, p_channel bigint, p_health text, p_cause text, p_remedy text, p_now timestamptz)
returns boolean language plpgsql as $$
declare
    v_number bigint;
begin
    if not note_health (p_account, p_channel, p_health, p_cause, p_remedy, p_now) then
        return false;
    end if;
    insert into gateway.counter as c (account_id, last_event) values (p_account, 1)
    on conflict (account_id) do update set last_event = c.last_event + 1
    returning c.last_event into v_number;
    insert into gateway.event (account_id, number, type, at, channel_id) values (p_account, v_number, 'channel.' || p_health, p_now, p_channel);
    return true;
end $$;
comment on function set_health is 'how a channel fares; locks its state and the counter';

create function channel_health_json (p_account bigint, p_channel bigint) returns setof json language sql stable rows 1 as $$
    select json_build_object ('slug', c.slug, 'adapter', c.adapter, 'health', coalesce (s.health, 'up'), 'cause', s.cause, 'remedy', s.remedy,
                              'since', json_time (s.since))
    from gateway.channel c
    left join gateway.channel_state s on s.account_id = c.account_id and s.channel_id = c.channel_id
    where c.account_id = p_account and c.channel_id = p_channel
$$;
comment on function channel_health_json is 'a channel as events name it';

create function api_channels (p_account bigint) returns table (data text, next text, at bigint) language sql stable as $$
    select coalesce (json_agg (json_build_object (
               'slug', c.slug,
               'adapter', c.adapter,
               'address', c.address,
               'status', case when c.disabled_at is null then 'active' else 'disabled' end,
               'paused', s.paused_at is not null,
               'health', coalesce (s.health, 'up'),
               'cause', s.cause,
               'remedy', s.remedy,
               'checked_at', json_time (s.checked_at),
               'created_at', json_time (c.created_at)) order by c.slug), '[]')::text,
           null::text,
           event_at (p_account)
    from gateway.channel c
    left join gateway.channel_state s on s.account_id = c.account_id and s.channel_id = c.channel_id
    where c.account_id = p_account
$$;
comment on function api_channels is 'every channel of an account; no locks';

-- The channels of that name (null: of any) of an account (null: of all), with what waits to be sent; for the operator's commands.
create function operator_channels (p_account text, p_channel text)
returns table (account text, channel text, account_id bigint, channel_id bigint, adapter text, address text, disabled boolean, health text, cause text,
               remedy text, since timestamptz, checked_at timestamptz, paused_at timestamptz, seen_to timestamptz, waiting bigint,
               oldest timestamptz)
language sql stable as $$
    select a.slug, c.slug, c.account_id, c.channel_id, c.adapter, c.address, c.disabled_at is not null, coalesce (s.health, 'up'), s.cause,
           s.remedy, s.since, s.checked_at, s.paused_at, s.seen_to, d.waiting, d.oldest
    from gateway.account a
    join gateway.channel c on c.account_id = a.account_id
    left join gateway.channel_state s on s.account_id = c.account_id and s.channel_id = c.channel_id
    cross join lateral (
        select count (*) as waiting, min (k.run_at) filter (where k.state = 0 and k.claim_id is null and k.run_at <= now ()) as oldest
        from gateway.delivery k
        where k.account_id = c.account_id and k.channel_id = c.channel_id
    ) d
    where (p_account is null or a.slug = p_account)
      and (p_channel is null or c.slug = p_channel)
    order by a.slug, c.slug
$$;
comment on function operator_channels is 'channels, how they fare and what waits there; no locks';

-- Nothing is sent while a channel is paused; what comes in is taken. p_at null: it sends again.
create function pause_channel (p_account bigint, p_channel bigint, p_at timestamptz) returns void language sql as $$
    insert into gateway.channel_state as s (account_id, channel_id, since, paused_at) values (p_account, p_channel, now (), p_at)
    on conflict (account_id, channel_id) do update
    set paused_at = case when p_at is not null then coalesce (s.paused_at, p_at) end
$$;
comment on function pause_channel is 'pauses a channel, or ends that; locks its state';

-- Until when it is known what came in, of the channels that a gateway sends on now.
create function owned_channels (p_gateway uuid) returns table (account_id bigint, channel_id bigint, seen_to timestamptz)
language sql stable as $$
    select l.account_id, l.channel_id, s.seen_to
    from gateway.channel_lease l
    left join gateway.channel_state s on s.account_id = l.account_id and s.channel_id = l.channel_id
    where l.gateway_id = p_gateway and l.until > clock_timestamp ()
$$;
comment on function owned_channels is 'the channels of a gateway and up to when they were followed; no locks';

-- All that came in between p_from[i] (null: whenever) and p_to[i] is known: so it is up to p_to[i], unless something before p_from[i] has been missed
-- meanwhile. Gives back the channels of which that is true.
create function saw_channels (p_accounts bigint[], p_channels bigint[], p_from timestamptz[], p_to timestamptz[]) returns setof bigint
language sql as $$
    insert into gateway.channel_state as s (account_id, channel_id, since, seen_to)
    select a, c, now (), t from unnest (p_accounts, p_channels, p_from, p_to) x (a, c, f, t) order by a, c
    on conflict (account_id, channel_id) do update set seen_to = excluded.seen_to
    where s.seen_to is null
       or s.seen_to >= (select f from unnest (p_accounts, p_channels, p_from) y (a, c, f) where a = s.account_id and c = s.channel_id)
    returning s.channel_id
$$;
comment on function saw_channels is 'moves on up to when everything that came in is known; locks states in key order';

-- Somebody was told to come again at that time, and perhaps does not: what came in since then is not known. It always moves back, if only by a
-- moment, so that the gateway that follows these channels sees it.
create function missed_channels (p_accounts bigint[], p_channels bigint[], p_at timestamptz) returns void language sql as $$
    with due as materialized (
        select s.account_id, s.channel_id
        from gateway.channel_state s
        join unnest (p_accounts, p_channels) x (a, c) on s.account_id = a and s.channel_id = c
        where s.seen_to is not null
        order by 1, 2
        for no key update of s
    )
    update gateway.channel_state s set seen_to = least (s.seen_to - interval '1 microsecond', p_at)
    from due where s.account_id = due.account_id and s.channel_id = due.channel_id
$$;
comment on function missed_channels is 'moves back up to when everything that came in is known; locks states in key order';

-- The places, from 1, of the messages that have not come in yet.
create function missing_messages (p_account bigint, p_channel bigint, p_hashes bytea[]) returns setof bigint language sql stable as $$
    select o from unnest (p_hashes) with ordinality x (h, o)
    where not exists (select from gateway.provider_id p where p.account_id = p_account and p.channel_id = p_channel and p.hash = h)
    order by o
$$;
comment on function missing_messages is 'which of these messages are new; no locks';
