-- One page of tickets, newest activity first. p_status null: all; p_after: key of the last row of the page before.
-- Unclosed tickets are found by their partial index and sorted: no index holds what a message changes.
create function api_tickets (p_account bigint, p_status text, p_channel text, p_limit int, p_after text)
returns table (data text, next text, at bigint)
language plpgsql stable set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    v_at bigint := event_at (p_account);
    v_channel bigint;
    v_time timestamptz := 'infinity';
    v_ticket uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
begin
    perform plan_young ();
    perform check_cursor (p_after, '^[0-9]{1,17},[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$');
    if p_after is not null then
        v_time := timestamptz 'epoch' + split_part (p_after, ',', 1)::bigint * interval '1 microsecond';
        v_ticket := split_part (p_after, ',', 2)::uuid;
    end if;
    if p_status not in ('open', 'pending', 'snoozed', 'closed') then
        raise 'status is open, pending, snoozed or closed' using errcode = 'SB422', constraint = 'status';
    end if;
    if p_channel is not null then
        select c.channel_id into v_channel from gateway.channel c where c.account_id = p_account and c.slug = p_channel;
        if not found then
            return query select '[]', null::text, v_at;
            return;
        end if;
    end if;
    return query
    with unclosed as (
        select t.ticket_id, t.last_message_at as activity
        from gateway.ticket t
        where t.account_id = p_account and t.status <> 'closed'
          and (p_status is null or t.status = p_status)
          and (v_channel is null or t.channel_id = v_channel)
          and (t.last_message_at, t.ticket_id) < (v_time, v_ticket)
          and p_status is distinct from 'closed'
        order by t.last_message_at desc, t.ticket_id desc
        limit p_limit + 1
    ), closed as (
        select t.ticket_id, t.closed_at as activity
        from gateway.ticket t
        where t.account_id = p_account and t.status = 'closed'
          and (v_channel is null or t.channel_id = v_channel)
          and (t.closed_at, t.ticket_id) < (v_time, v_ticket)
          and (p_status is null or p_status = 'closed')
        order by t.closed_at desc, t.ticket_id desc
        limit p_limit + 1
    ), page as materialized (
        select x.ticket_id, x.activity, row_number () over (order by x.activity desc, x.ticket_id desc) as n
        from (select * from unclosed union all select * from closed) x
        order by n
        limit p_limit + 1
    )
    select coalesce ((
               select json_agg (j order by p.n)
               from page p
               cross join lateral ticket_json (p_account, p.ticket_id) j
               where p.n <= p_limit), '[]')::text,
           (select (extract (epoch from p.activity) * 1000000)::bigint || ',' || p.ticket_id
            from page p
            where p.n = p_limit and exists (select from page q where q.n > p_limit)),
           v_at;
end $$;
comment on function api_tickets is 'a page of tickets, newest activity first; no locks; SB422';

create function api_ticket (p_account bigint, p_ticket uuid)
returns table (body text, version bigint)
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
    perform plan_young ();
    return query
    select j::text, t.version
    from gateway.ticket t
    cross join lateral ticket_json (t.account_id, t.ticket_id) j
    where t.account_id = p_account and t.ticket_id = p_ticket;
    if not found then
        raise 'no such ticket' using errcode = 'SB404';
    end if;
end $$;
comment on function api_ticket is 'one ticket; no locks; SB404';

-- Changes status or subject (null: as it is; '': none any more) if the ticket is still at p_version (null: whatever it is). Locks pair, ticket, counter, in this order.
create function api_ticket_patch (p_account bigint, p_ticket uuid, p_version bigint, p_status text, p_subject text, p_now timestamptz)
returns table (body text, version bigint)
language plpgsql as $$
declare
    t gateway.ticket;
    v_type text;
    v_number bigint;
begin
    if p_status not in ('open', 'pending', 'snoozed', 'closed') then
        raise 'status is open, pending, snoozed or closed' using errcode = 'SB422', constraint = '/status';
    end if;
    perform from gateway.pair p
    where (p.account_id, p.channel_id, p.uri) =
          (select k.account_id, k.channel_id, k.uri from gateway.ticket k where k.account_id = p_account and k.ticket_id = p_ticket)
    for no key update;
    select * into t from gateway.ticket k where k.account_id = p_account and k.ticket_id = p_ticket for no key update;
    if t.ticket_id is null then
        raise 'no such ticket' using errcode = 'SB404';
    end if;
    if t.version <> p_version then
        raise 'the ticket was changed meanwhile: it is at version %', t.version using errcode = 'SB412';
    end if;
    -- A ticket with a newer one on its pair stays closed: a pair has one open ticket at most.
    if t.status = 'closed' and p_status <> 'closed' and exists (
        select from gateway.pair p
        where p.account_id = t.account_id and p.channel_id = t.channel_id and p.uri = t.uri and p.ticket_id <> t.ticket_id) then
        raise 'the customer has a newer ticket on this channel' using errcode = 'SB409';
    end if;
    p_subject := nullif (coalesce (p_subject, t.subject), '');
    if coalesce (p_status, t.status) = t.status and p_subject is not distinct from t.subject then
        return query select j::text, t.version from ticket_json (p_account, p_ticket) j;
        return;
    end if;
    v_type := case when p_status = 'closed' and t.status <> 'closed' then 'ticket.closed'
                   when t.status = 'closed' and p_status <> 'closed' then 'ticket.reopened'
                   else 'ticket.updated' end;
    update gateway.ticket k
    set status = coalesce (p_status, k.status), subject = p_subject, version = k.version + 1, updated_at = p_now,
        closed_at = case when coalesce (p_status, k.status) = 'closed' then coalesce (k.closed_at, p_now) end
    where k.account_id = p_account and k.ticket_id = p_ticket
    returning * into t;
    insert into gateway.counter as c (account_id, last_event) values (p_account, 1)
    on conflict (account_id) do update set last_event = c.last_event + 1
    returning c.last_event into v_number;
    insert into gateway.event (account_id, number, type, at, ticket_id) values (p_account, v_number, v_type, p_now, p_ticket);
    return query select j::text, t.version from ticket_json (p_account, p_ticket) j;
end $$;
comment on function api_ticket_patch is 'changes a ticket; locks pair, ticket, counter; SB404, SB409, SB412, SB422';
