-- What dispatching, sending and receipts share: the steps of whoever holds the pairs of some messages. How their queries are planned is the
-- caller's setting.

-- Locks pairs in key order.
create function lock_pairs (p_accounts bigint[], p_channels bigint[], p_uris text[]) returns void language plpgsql as $$
begin
    perform from (select distinct a, c, u from unnest (p_accounts, p_channels, p_uris) x (a, c, u) order by 1, 2, 3) y
    cross join lateral (
        select from gateway.pair p where p.account_id = a and p.channel_id = c and p.uri = u for no key update
    ) z;
end $$;
comment on function lock_pairs is 'locks pairs in key order';

-- Notes what a provider calls parts of messages (null: it did not say), and has the receipts that came under those names looked at again.
create function learn_ids (p_accounts bigint[], p_channels bigint[], p_hashes bytea[], p_messages uuid[], p_parts int[], p_now timestamptz)
returns void language plpgsql as $$
begin
    insert into gateway.provider_id (account_id, channel_id, hash, message_id, part, created_at)
    select a, c, h, m, p, p_now
    from unnest (p_accounts, p_channels, p_hashes, p_messages, p_parts) x (a, c, h, m, p)
    where h is not null
    order by a, c, h
    on conflict do nothing;
    perform lock_receipts (p_accounts, p_channels, p_hashes);
    update gateway.receipt r set pending = true, looks = 0, look_at = '-infinity'
    from unnest (p_accounts, p_channels, p_hashes) x (a, c, h)
    where r.account_id = a and r.channel_id = c and r.hash = h and r.message_id is null;
end $$;
comment on function learn_ids is 'keeps providers'' ids of messages; locks provider_id, receipts in key order';

-- Locks the receipts that came under some names and found no message, in key order.
create function lock_receipts (p_accounts bigint[], p_channels bigint[], p_hashes bytea[]) returns void language plpgsql as $$
begin
    perform from (select distinct a, c, h from unnest (p_accounts, p_channels, p_hashes) x (a, c, h) where h is not null order by 1, 2, 3) y
    cross join lateral (
        select from gateway.receipt r
        where r.account_id = a and r.channel_id = c and r.hash = h and r.message_id is null
        order by r.journal_id, r.position
        for no key update
    ) z;
end $$;
comment on function lock_receipts is 'locks receipts in key order';

-- queued < uncertain < sent < failed < delivered < read; what stands apart (received, canceled) has no rank.
create function status_rank (p_status text) returns int language sql immutable as $$
    select array_position (array['queued', 'uncertain', 'sent', 'failed', 'delivered', 'read'], p_status)
$$;
comment on function status_rank is 'how far a message or a part of it is; it only rises';

-- Raises messages to the status of their least advanced part, once all parts are there. Gives back those that changed.
create function raise_status (p_accounts bigint[], p_messages uuid[])
returns table (account_id bigint, message_id uuid, ticket_id uuid, status text)
language plpgsql as $$
#variable_conflict use_column
begin
    return query
    with said as materialized (
        select y.a, y.m, p.*
        from (select distinct a, m from unnest (p_accounts, p_messages) x (a, m) order by 1, 2) y
        cross join lateral (
            select count (*) as n, (array_agg (k.status order by status_rank (k.status)))[1] as status, bool_or (k.status = 'failed') as failed,
                   (array_agg (k.code order by k.part) filter (where k.status = 'failed'))[1] as code,
                   (array_agg (k.detail order by k.part) filter (where k.status = 'failed'))[1] as detail,
                   (array_agg (k.reason order by k.part) filter (where k.status = 'failed'))[1] as reason,
                   (array_agg (k.title order by k.part) filter (where k.status = 'failed'))[1] as title
            from gateway.part k
            where k.account_id = y.a and k.message_id = y.m
        ) p
    )
    update gateway.message m
    set status = s.status,
        error = case when s.failed then
            coalesce (m.error, jsonb_build_object ('code', coalesce (s.reason, 'not_delivered'),
                                                   'title', coalesce (s.title, 'the provider could not deliver it'), 'detail', s.detail,
                                                   'provider_code', s.code))
        end
    from said s
    where m.account_id = s.a and m.message_id = s.m and s.n >= coalesce (m.n_parts, 1) and status_rank (s.status) > status_rank (m.status)
    returning m.account_id, m.message_id, m.ticket_id, m.status;
end $$;
comment on function raise_status is 'makes messages as advanced as their least advanced part; locks messages; the caller holds the pairs';

-- The table of deliveries is often empty, and a plan that is made then may choose any index that begins with account_id, because all seem to cost
-- the same. So a delivery is always found by its message's id, too, with which every index that can be chosen finds just the one; a line is looked
-- at by `order by position limit 1`, which only the primary key gives; and ready is said as state < 1, or else delivery_ready might be chosen,
-- where what is ready on all lines of the channel stands.

-- Deliveries whose next part is proven to be with the provider (its row is there) go on to the first part that is not, or are done. While an
-- attempt is under way, its own answer decides.
create function catch_up (p_accounts bigint[], p_messages uuid[]) returns void language plpgsql as $$
begin
    with proven as materialized (
        select d.*, (
            select min (g) from generate_series (d.part + 1, d.n_parts) g
            where g = d.n_parts
               or not exists (select from gateway.part k where k.account_id = d.a and k.message_id = d.m and k.part = g)) as next
        from (select distinct a, m from unnest (p_accounts, p_messages) x (a, m) order by 1, 2) y
        cross join lateral (
            select y.a, y.m, k.channel_id as c, k.uri as u, k.position as p, k.part,
                   (select coalesce (o.n_parts, 1) from gateway.message o where o.account_id = y.a and o.message_id = y.m) as n_parts
            from gateway.delivery k
            where k.account_id = y.a and k.message_id = y.m and (k.claim_id is null or k.run_at <= now ())
            for no key update
        ) d
        where exists (select from gateway.part k where k.account_id = d.a and k.message_id = d.m and k.part = d.part)
    ), done as (
        delete from gateway.delivery d using proven
        where d.account_id = a and d.channel_id = c and d.uri = u and d.position = p and d.message_id = m and next = n_parts
    )
    update gateway.delivery d
    set part = next, notes = null, uncertain = false, claim_id = null, run_at = now (), state = case d.state when 2 then 1 else d.state end
    from proven
    where d.account_id = a and d.channel_id = c and d.uri = u and d.position = p and d.message_id = m and next < n_parts;
end $$;
comment on function catch_up is 'ends or advances deliveries that are proven; locks deliveries; the caller holds the pairs';

-- Whether some of these channels have a pace for each person: those that have none pay no more than this question.
create function has_pair_pace (p_accounts bigint[], p_channels bigint[]) returns boolean language plpgsql stable as $$
begin
    return exists (
        select from gateway.channel k
        where k.account_id = any (p_accounts) and k.channel_id = any (p_channels) and k.pair_pace is not null);
end $$;
comment on function has_pair_pace is 'whether what is sent there is to be paced by person; no locks';

-- From when on the next message may leave on a line (GCRA): a burst goes at once, and is paid for by waiting. Null: at any time.
create function paced_from (p_account bigint, p_channel bigint, p_uri text) returns timestamptz language plpgsql stable as $$
begin
    return (
        select k.paced_to - (coalesce (h.pair_burst, 1) - 1) * h.pair_pace
        from gateway.pair k
        join gateway.channel h on h.account_id = k.account_id and h.channel_id = k.channel_id
        where k.account_id = p_account and k.channel_id = p_channel and k.uri = p_uri and k.paced_to is not null);
end $$;
comment on function paced_from is 'when a line''s own pace lets the next message go; no locks';

-- Hands the baton on, in pairs without a ready delivery: the first that is held becomes ready, agents' replies before bulk.
create function promote (p_accounts bigint[], p_channels bigint[], p_uris text[]) returns void language plpgsql as $$
declare
    v_paced boolean := has_pair_pace (p_accounts, p_channels);
begin
    with next as materialized (
        select a, c, u, coalesce (
            (select k.message_id from gateway.delivery k
             where k.account_id = a and k.channel_id = c and k.uri = u and k.state = 1 and k.lane = 0 order by k.position limit 1),
            (select k.message_id from gateway.delivery k
             where k.account_id = a and k.channel_id = c and k.uri = u and k.state = 1 order by k.position limit 1)) as m
        from (select distinct a, c, u from unnest (p_accounts, p_channels, p_uris) x (a, c, u)) y
        where (select k.position from gateway.delivery k
               where k.account_id = a and k.channel_id = c and k.uri = u and k.state < 1 order by k.position limit 1) is null
    )
    update gateway.delivery d
    set state = 0, run_at = greatest (d.run_at, now (), case when v_paced then paced_from (next.a, next.c, next.u) end)
    from next
    where d.account_id = next.a and d.channel_id = next.c and d.uri = next.u and d.message_id = next.m;
end $$;
comment on function promote is 'makes the next delivery of each pair ready; the caller holds the pairs';

-- Puts a message at the end of its pair's queue; an agent's reply goes before bulk that was not begun.
create function enqueue (p_account bigint, p_channel bigint, p_uri text, p_message uuid, p_lane int, p_weight int, p_now timestamptz,
                         p_give_up_at timestamptz, p_expires_at timestamptz) returns void language plpgsql as $$
declare
    v_first bigint := (
        select d.position from gateway.delivery d
        where d.account_id = p_account and d.channel_id = p_channel and d.uri = p_uri and d.state < 2 order by d.position limit 1);
    v_ready uuid := (
        select d.message_id from gateway.delivery d
        where d.account_id = p_account and d.channel_id = p_channel and d.uri = p_uri and d.state < 1 order by d.position limit 1);
    v_last bigint := (
        select d.position from gateway.delivery d
        where d.account_id = p_account and d.channel_id = p_channel and d.uri = p_uri order by d.position desc limit 1);
begin
    if p_lane = 0 then
        update gateway.delivery d set state = 1
        where d.account_id = p_account and d.channel_id = p_channel and d.uri = p_uri and d.message_id = v_ready
          and d.lane = 1 and d.claim_id is null and d.part = 0 and not d.uncertain;
    end if;
    insert into gateway.delivery (account_id, channel_id, uri, position, message_id, state, lane, run_at, created_at, give_up_at, expires_at, weight)
    values (p_account, p_channel, p_uri, coalesce (v_last, 0) + 1, p_message, (v_first is not null)::int, p_lane,
            greatest (now (), paced_from (p_account, p_channel, p_uri)), p_now, p_give_up_at, p_expires_at, p_weight);
    if v_first is not null then
        perform promote (array[p_account], array[p_channel], array[p_uri]);
    end if;
end $$;
comment on function enqueue is 'queues a message on its pair; locks deliveries; the caller holds the pair';
