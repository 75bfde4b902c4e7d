-- How rows look outside (design: tickets, messages, events as JSON). All are stable and take no locks.

create function json_time (p_at timestamptz) returns text language sql immutable as $$
    select to_char (p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;
comment on function json_time is 'RFC 3339, UTC, microseconds';

create function channel_json (p_account bigint, p_channel bigint) returns json language sql stable as $$
    select json_build_object ('slug', c.slug, 'adapter', c.adapter)
    from gateway.channel c
    where c.account_id = p_account and c.channel_id = p_channel
$$;
comment on function channel_json is 'a channel as tickets and messages name it';

create function contact_json (k gateway.contact) returns json language sql stable as $$
    select json_build_object (
        'id', k.contact_id,
        'name', k.name,
        'addresses', coalesce ((
            select json_agg (a.uri order by a.created_at, a.uri)
            from gateway.address a
            where a.account_id = k.account_id and a.contact_id = k.contact_id), '[]'),
        'created_at', json_time (k.created_at),
        'updated_at', json_time (k.updated_at),
        'version', k.version)
$$;
comment on function contact_json is 'a contact with its addresses';

create function ticket_json (t gateway.ticket) returns json language sql stable as $$
    select json_build_object (
        'id', t.ticket_id,
        'number', t.number,
        'status', t.status,
        'subject', t.subject,
        'channel', channel_json (t.account_id, t.channel_id),
        'contact', (
            select json_build_object ('id', k.contact_id, 'name', k.name, 'address', t.uri)
            from gateway.contact k
            where k.account_id = t.account_id and k.contact_id = t.contact_id),
        'unread', t.unread,
        'last_message', (
            select json_build_object ('id', m.message_id, 'number', m.number, 'kind', m.kind, 'text', left (m.text, 200),
                                      'created_at', json_time (m.created_at))
            from gateway.message m
            where m.account_id = t.account_id and m.message_id = t.last_message_id),
        'window_until', (
            select json_time (p.window_until)
            from gateway.pair p
            where p.account_id = t.account_id and p.channel_id = t.channel_id and p.uri = t.uri),
        'created_at', json_time (t.created_at),
        'updated_at', json_time (t.updated_at),
        'version', t.version)
$$;
comment on function ticket_json is 'a ticket with its channel, contact and last message';

create function attachments_json (p_account bigint, p_message uuid) returns json language sql stable as $$
    select coalesce (json_agg (json_build_object ('id', a.attachment_id, 'mime', a.mime, 'name', a.name, 'size', a.size, 'status', a.status)
                               order by a.position), '[]')
    from gateway.attachment a
    where a.account_id = p_account and a.message_id = p_message
$$;
comment on function attachments_json is 'the files of a message';

create function message_json (m gateway.message) returns json language sql stable as $$
    select json_build_object (
        'id', m.message_id,
        'number', m.number,
        'ticket_id', m.ticket_id,
        'kind', m.kind,
        'channel', channel_json (m.account_id, m.channel_id),
        'from', m.from_uri,
        'to', m.to_uri,
        'author', json_build_object (
            'type', m.author_type,
            'id', m.author_id,
            'name', (select k.name from gateway.contact k where k.account_id = m.account_id and k.contact_id = m.author_id)),
        'content', m.content,
        'text', m.text,
        'attachments', case when m.has_attachments then attachments_json (m.account_id, m.message_id) else '[]' end,
        'status', m.status,
        'error', null,
        'parts', '[]'::json,
        'external_id', m.external_id,
        'reference', m.reference,
        'metadata', m.metadata,
        'in_reply_to', m.in_reply_to,
        'created_at', json_time (m.created_at),
        'provider_time', json_time (m.provider_time))
$$;
comment on function message_json is 'a message with its author and files';

create function quarantine_json (q gateway.quarantine) returns json language sql stable as $$
    select json_build_object (
        'id', q.quarantine_id,
        'channel', channel_json (q.account_id, q.channel_id),
        'reason', q.reason,
        'received_at', json_time (q.at),
        'status', case when q.reprocessed_at is null then 'waiting' else 'reprocessed' end,
        'size', q.size)
$$;
comment on function quarantine_json is 'a quarantined request; never its content';
