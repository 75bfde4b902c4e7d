-- One page of a ticket's messages by number. p_after: number of the last one of the page before.
-- Of the two directions only one is read; each names its order, because no index is read by an order that is chosen at run time.
create function api_messages (p_account bigint, p_ticket uuid, p_descending bool, p_limit int, p_after text)
returns table (data text, next text, at bigint)
language plpgsql stable set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    v_at bigint := event_at (p_account);
    v_after bigint;
begin
    perform plan_young ();
    perform check_cursor (p_after, '^[0-9]{1,18}$');
    v_after := p_after::bigint;
    if not exists (select from gateway.ticket t where t.account_id = p_account and t.ticket_id = p_ticket) then
        raise 'no such ticket' using errcode = 'SB404';
    end if;
    return query
    with found as (
        (select m.message_id, m.number, m.number as place
         from gateway.message m
         where not p_descending and m.account_id = p_account and m.ticket_id = p_ticket and m.number > coalesce (v_after, 0)
         order by m.number
         limit p_limit + 1)
        union all
        (select m.message_id, m.number, -m.number
         from gateway.message m
         where p_descending and m.account_id = p_account and m.ticket_id = p_ticket and m.number < coalesce (v_after, 9223372036854775807)
         order by m.number desc
         limit p_limit + 1)
    ), page as materialized (
        select f.message_id, f.number, row_number () over (order by f.place) as n
        from found f
    )
    select coalesce (json_agg (j order by p.n) filter (where p.n <= p_limit), '[]')::text,
           case when count (*) > p_limit then (max (p.number) filter (where p.n = p_limit))::text end,
           v_at
    from page p
    cross join lateral message_json (p_account, p.message_id) j;
end $$;
comment on function api_messages is 'a page of a ticket''s messages; no locks; SB404, SB422';

create function api_message (p_account bigint, p_message uuid)
returns table (body text)
language plpgsql stable set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
    perform plan_young ();
    return query
    select (j::jsonb || w)::text
    from message_json (p_account, p_message) j
    cross join lateral way_json (p_account, p_message) w;
    if not found then
        raise 'no such message' using errcode = 'SB404';
    end if;
end $$;
comment on function api_message is 'one message with its attempts and receipts; no locks; SB404';

create function api_attachment (p_account bigint, p_attachment uuid)
returns table (status text, mime text, name text, sha256 text, size bigint)
language plpgsql stable as $$
begin
    return query
    select a.status, a.mime, a.name, encode (a.sha256, 'hex'), a.size
    from gateway.attachment a
    where a.account_id = p_account and a.attachment_id = p_attachment;
    if not found then
        raise 'no such attachment' using errcode = 'SB404';
    end if;
end $$;
comment on function api_attachment is 'where a file''s bytes are; no locks; SB404';
