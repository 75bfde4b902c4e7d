-- Where a signal of a ticket goes ("read", "typing"): its pair, and what the customer said last there that the provider knows by an id. No row: no
-- such ticket.
create function signal_target (p_account bigint, p_ticket uuid) returns table (channel text, uri text, external_id text)
language sql stable as $$
    select c.slug, t.uri, (
        select m.external_id from gateway.message m
        where m.account_id = t.account_id and m.ticket_id = t.ticket_id and m.kind = 'incoming' and m.external_id is not null
          and m.content ->> 'kind' not in ('reaction', 'event')
        order by m.number desc
        limit 1)
    from gateway.ticket t
    join gateway.channel c on c.account_id = t.account_id and c.channel_id = t.channel_id
    where t.account_id = p_account and t.ticket_id = p_ticket
$$;
comment on function signal_target is 'the pair of a ticket and the newest that came in there; no locks';
