-- Answers and first messages on their way into the queue, and what can be done to them there.

-- Where a reply to a ticket would go, or a message to an address on a channel: what is needed to compose it. No row: no such ticket or channel.
create function send_target (p_account bigint, p_ticket uuid, p_channel text, p_uri text, p_in_reply_to uuid)
returns table (channel_id bigint, channel text, uri text, disabled boolean, quoted text) language plpgsql stable as $$
declare
    -- Agents' notes are shown to nobody else. Whether it is a message of the ticket check_send says.
    v_quoted text := (
        select left (m.text, 200) from gateway.message m
        where m.account_id = p_account and m.message_id = p_in_reply_to and m.kind in ('incoming', 'outgoing'));
begin
    if p_ticket is not null then
        return query
        select c.channel_id, c.slug, t.uri, c.disabled_at is not null, v_quoted
        from gateway.ticket t join gateway.channel c on c.account_id = t.account_id and c.channel_id = t.channel_id
        where t.account_id = p_account and t.ticket_id = p_ticket;
    else
        return query
        select c.channel_id, c.slug, p_uri, c.disabled_at is not null, v_quoted
        from gateway.channel c
        where c.account_id = p_account and c.slug = p_channel;
    end if;
end $$;
comment on function send_target is 'the pair of a reply or of a first message; no locks';

-- The answer that was given to the same POST before, if any. Whoever asks holds the key until it commits, so of twins one waits.
-- Raises SB422 when the key was used for another body.
create function replay (p_account bigint, p_hash bytea, p_fingerprint bytea) returns table (status int, body text) language plpgsql as $$
begin
    perform pg_advisory_xact_lock (('x' || encode (substr (p_hash, 1, 8), 'hex'))::bit (64)::bigint);
    return query
    select i.status, i.body from gateway.idempotency i
    where i.account_id = p_account and i.hash = p_hash and i.fingerprint = p_fingerprint;
    if not found and exists (select from gateway.idempotency i where i.account_id = p_account and i.hash = p_hash) then
        raise 'this Idempotency-Key was used for another request' using errcode = 'SB422', constraint = 'Idempotency-Key';
    end if;
end $$;
comment on function replay is 'the answer kept for an Idempotency-Key; takes its advisory lock; SB422';

create function is_blocked (p_account bigint, p_uri text) returns boolean language plpgsql stable as $$
begin
    return exists (
        select from gateway.address a join gateway.contact k on k.account_id = a.account_id and k.contact_id = a.contact_id
        where a.account_id = p_account and a.uri = p_uri and k.blocked_at is not null);
end $$;
comment on function is_blocked is 'whether the business writes to nobody at this address; no locks';

-- The template of a channel by its name and, where it is given, its language. known: the provider has listed the channel's templates;
-- status and components are null where it is none of them.
create function find_template (p_account bigint, p_channel bigint, p_name text, p_lang text)
returns table (known boolean, status text, components text) language plpgsql stable as $$
begin
    return query
    select true, t.status, t.components::text
    from gateway.channel_state s
    left join lateral (
        select k.status, k.components
        from gateway.template k
        where k.account_id = p_account and k.channel_id = p_channel and k.name = p_name and (p_lang is null or k.lang = p_lang)
        order by k.status <> 'APPROVED', k.lang
        limit 1) t on true
    where s.account_id = p_account and s.channel_id = p_channel and s.templates_at is not null;
    if not found then
        return query select false, null::text, null::text;
    end if;
end $$;
comment on function find_template is 'a template of a channel; no locks';

-- Why nothing may be sent to a pair now; null: it may. Where the channel has a reply window, only a template may go after it.
create function pair_closed (p_account bigint, p_channel bigint, p_uri text, p_template boolean, p_now timestamptz)
returns text language plpgsql stable as $$
declare
    c gateway.channel;
begin
    select k.* into c from gateway.channel k where k.account_id = p_account and k.channel_id = p_channel;
    return case
        when c.disabled_at is not null then 'the channel is disabled'
        when is_opted_out (p_account, p_channel, p_uri) then 'the contact has opted out'
        when is_blocked (p_account, p_uri) then 'the contact is blocked'
        when c.reply_window is not null and not p_template and not exists (
            select from gateway.pair p
            where p.account_id = p_account and p.channel_id = p_channel and p.uri = p_uri and p.window_until > p_now)
            then 'the reply window is closed: send a template, see /v1/channels/' || c.slug || '/templates'
    end;
end $$;
comment on function pair_closed is 'why nothing may be sent to a pair; no locks';

-- The contact of a pair; made where the address is new. The caller holds the pair.
create function pair_contact (p_account bigint, p_channel bigint, p_uri text, p_contact uuid, p_now timestamptz, out contact uuid, out created boolean)
language plpgsql as $$
begin
    created := false;
    select p.contact_id into contact from gateway.pair p where p.account_id = p_account and p.channel_id = p_channel and p.uri = p_uri;
    if contact is null then
        with made as (
            insert into gateway.address (account_id, uri, contact_id, created_at) values (p_account, p_uri, p_contact, p_now)
            on conflict do nothing
            returning account_id, contact_id
        )
        insert into gateway.contact (account_id, contact_id, created_at, updated_at)
        select account_id, contact_id, p_now, p_now from made;
        created := found;
        select a.contact_id into contact from gateway.address a where a.account_id = p_account and a.uri = p_uri;
    end if;
end $$;
comment on function pair_contact is 'the contact of a pair, made where it is new; locks address';

-- What came in on a ticket after its message number p_seen, the oldest 200 of it as on any page; more: that there is more. Null: nothing.
create function unread_json (p_account bigint, p_ticket uuid, p_seen bigint) returns text language plpgsql stable as $$
begin
    return (
        with newer as materialized (
            select m.message_id, row_number () over (order by m.number) as n
            from gateway.message m
            where m.account_id = p_account and m.ticket_id = p_ticket and m.number > p_seen and m.kind = 'incoming'
            order by m.number
            limit 200 + 1
        )
        select json_build_object ('newer', json_agg (j order by n.n) filter (where n.n <= 200), 'more', count (*) > 200)::text
        from newer n cross join lateral message_json (p_account, n.message_id) j
        having count (*) > 0);
end $$;
comment on function unread_json is 'what the author of a reply has not read; no locks';

-- Keeps one outgoing message or note, and its delivery, or gives back what an equal POST was answered before.
-- p_ticket null: the pair's ticket, or a new one. p_seen: the newest message that the author had read. Answers 202, 201 (note), or 409 with
-- the messages that the author has not read. p_answers: the options that may be answered in words, [{"id","title"}]; p_rendering: how the content
-- was put for the channel, null: as it was given; p_dry_run: answers 200 where the message would be kept, and keeps nothing. Locks the key, pair, ticket, attachments, address, deliveries, counter. Raises SB404, SB409, SB422.
create function api_send (
    p_account bigint, p_hash bytea, p_fingerprint bytea,
    p_channel bigint, p_uri text, p_ticket uuid, p_new_ticket uuid, p_new_contact uuid,
    p_message uuid, p_kind text, p_from text, p_author_type text, p_author uuid, p_text text, p_content jsonb, p_reference text,
    p_metadata jsonb, p_expires_at timestamptz, p_lane text, p_seen bigint, p_in_reply_to uuid, p_retry_of uuid, p_attachments uuid[],
    p_n_parts int, p_weight int, p_segments jsonb, p_now timestamptz, p_give_up_at timestamptz,
    p_rendering jsonb default null, p_answers jsonb default null, p_dry_run boolean default false
) returns table (status int, body text) language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
    t gateway.ticket;
    v_contact uuid; v_new_contact boolean; v_newest uuid;
    v_state text; v_closed text; v_event bigint; v_number bigint;
    v_given text := coalesce (p_content #>> '{original,kind}', p_content ->> 'kind');
    v_status int := case p_kind when 'note' then 201 else 202 end;
    v_body text;
begin
    perform plan_young ();
    if p_hash is not null then
        return query select * from replay (p_account, p_hash, p_fingerprint);
        if found then
            return;
        end if;
    end if;
    if not p_dry_run then
        insert into gateway.pair (account_id, channel_id, uri) values (p_account, p_channel, p_uri) on conflict do nothing;
    end if;
    select p.ticket_id into v_newest from gateway.pair p
    where p.account_id = p_account and p.channel_id = p_channel and p.uri = p_uri for no key update;
    v_closed := case when p_kind = 'outgoing' then pair_closed (p_account, p_channel, p_uri, p_content ->> 'kind' = 'template', p_now) end;
    if v_closed is not null then
        raise '%', v_closed using errcode = 'SB409';
    end if;

    -- Which ticket: a reply reopens a closed one, a note does not; a first message leaves one that was closed seven days ago.
    select k.* into t from gateway.ticket k
    where k.account_id = p_account and k.ticket_id = coalesce (p_ticket, v_newest) and k.channel_id = p_channel and k.uri = p_uri
    for no key update;
    if p_ticket is not null and t.ticket_id is null then
        raise 'no such ticket' using errcode = 'SB404';
    end if;
    v_state := case
        when t.ticket_id is null or p_ticket is null and t.status = 'closed' and t.closed_at <= p_now - interval '7 days' then 'created'
        when t.status = 'closed' and p_kind = 'outgoing' then 'reopened'
    end;
    if v_state = 'reopened' and v_newest <> t.ticket_id then
        raise 'the customer has a newer ticket on this channel' using errcode = 'SB409';
    end if;
    if v_state = 'created' then
        t := null;
    end if;
    select unread_json (p_account, t.ticket_id, p_seen) into v_body;
    if v_body is not null then
        return query select 409, v_body;
        return;
    end if;
    perform check_send (p_account, t.ticket_id, p_channel, p_uri, p_in_reply_to, v_given, p_retry_of, p_attachments);
    if p_dry_run then
        return query select 200, null::text;
        return;
    end if;

    select * into v_contact, v_new_contact from pair_contact (p_account, p_channel, p_uri, p_new_contact, p_now);
    if p_kind = 'outgoing' then
        perform enqueue (p_account, p_channel, p_uri, p_message, (p_lane is not distinct from 'bulk')::int, p_weight, p_now, p_give_up_at, p_expires_at);
    end if;

    insert into gateway.counter as c (account_id, last_event, last_ticket)
    values (p_account, 1 + v_new_contact::int + (v_state is not null)::int, (v_state is not distinct from 'created')::int)
    on conflict (account_id) do update
    set last_event = c.last_event + excluded.last_event, last_ticket = c.last_ticket + excluded.last_ticket
    returning last_event, last_ticket into v_event, v_number;

    if v_state = 'created' then
        insert into gateway.ticket (account_id, ticket_id, number, channel_id, uri, contact_id, unread, last_number, last_message_id,
                                    last_message_at, created_at, updated_at)
        values (p_account, p_new_ticket, v_number, p_channel, p_uri, v_contact, 0, 1, p_message, p_now, p_now, p_now)
        returning * into t;
        update gateway.pair p set contact_id = v_contact, ticket_id = p_new_ticket
        where p.account_id = p_account and p.channel_id = p_channel and p.uri = p_uri;
    elsif p_kind = 'note' then
        update gateway.ticket k set last_number = k.last_number + 1, updated_at = p_now, version = k.version + 1
        where k.account_id = p_account and k.ticket_id = t.ticket_id
        returning * into t;
    else
        update gateway.ticket k
        set last_number = k.last_number + 1, last_message_id = p_message, last_message_at = p_now, unread = 0, updated_at = p_now,
            version = k.version + 1, status = case when k.status = 'closed' then 'open' else k.status end, closed_at = null
        where k.account_id = p_account and k.ticket_id = t.ticket_id
        returning * into t;
    end if;

    insert into gateway.message (account_id, message_id, ticket_id, number, channel_id, kind, status, from_uri, to_uri, author_type, author_id,
                                 reference, in_reply_to, text, content, metadata, has_attachments, created_at, lane, expires_at, retry_of, n_parts,
                                 segments, rendering)
    values (p_account, p_message, t.ticket_id, t.last_number, p_channel, p_kind, case p_kind when 'note' then 'received' else 'queued' end,
            p_from, case p_kind when 'outgoing' then p_uri end, p_author_type, p_author, p_reference, p_in_reply_to, p_text, p_content,
            p_metadata, coalesce (cardinality (p_attachments), 0) > 0, p_now, p_lane, p_expires_at, p_retry_of, p_n_parts, p_segments,
            p_rendering);
    if p_kind = 'outgoing' and (p_answers is not null or v_given = 'choice') then
        perform ask (p_account, p_channel, p_uri, p_message, p_answers, p_now);
    end if;
    update gateway.attachment f set message_id = p_message, position = o - 1
    from unnest (p_attachments) with ordinality x (i, o)
    where f.account_id = p_account and f.attachment_id = i;

    insert into gateway.event (account_id, number, type, at, ticket_id, message_id, subject_id)
    select p_account, v_event + 1 - row_number () over (order by o desc), type, p_now, ti, m, s
    from (values (1, 'contact.created', null::uuid, null::uuid, v_contact, v_new_contact),
                 (2, 'ticket.' || v_state, t.ticket_id, null, null, v_state is not null),
                 (3, case p_kind when 'note' then 'message.updated' else 'message.queued' end, t.ticket_id, p_message, null, true))
         x (o, type, ti, m, s, happened)
    where happened;
    select j::text into v_body from message_json (p_account, p_message) j;
    if p_hash is not null then
        insert into gateway.idempotency (account_id, hash, fingerprint, status, body, created_at)
        values (p_account, p_hash, p_fingerprint, v_status, v_body, p_now);
    end if;
    return query select v_status, v_body;
end $$;
comment on function api_send is 'keeps a message and its delivery; locks key, pair, ticket, attachments, address, deliveries, counter; SB404, SB409, SB422';

-- The newest question of a pair, whose options may be answered in words for a day; p_answers null: it has buttons, and those of the question
-- before it are over. The caller holds the pair.
create function ask (p_account bigint, p_channel bigint, p_uri text, p_message uuid, p_answers jsonb, p_now timestamptz)
returns void language sql as $$
    update gateway.pair p
    set choice = p_answers,
        choice_message = case when p_answers is not null then p_message end,
        choice_until = case when p_answers is not null then p_now + interval '24 hours' end
    where p.account_id = p_account and p.channel_id = p_channel and p.uri = p_uri;
$$;
comment on function ask is 'keeps what a pair was asked; the caller holds the pair';

-- What a message refers to has to be there: a message of its ticket, a failed one of its pair, files that were uploaded and are in no message
-- yet. p_given: the kind of content that was given. Raises SB422.
create function check_send (
    p_account bigint, p_ticket uuid, p_channel bigint, p_uri text, p_in_reply_to uuid, p_given text, p_retry_of uuid, p_attachments uuid[]
) returns void language plpgsql as $$
declare
    v_n int;
begin
    if p_in_reply_to is not null and not exists (
        select from gateway.message m
        where m.account_id = p_account and m.message_id = p_in_reply_to and m.ticket_id = p_ticket
          and (p_given is distinct from 'reaction' or m.kind <> 'note')) then
        raise 'not a message of this ticket' using errcode = 'SB422',
            constraint = case p_given when 'reaction' then '/content/target' else '/in_reply_to' end;
    end if;
    if p_retry_of is not null and not exists (
        select from gateway.message m
        where m.account_id = p_account and m.message_id = p_retry_of and m.channel_id = p_channel and m.to_uri = p_uri and m.kind = 'outgoing'
          and m.status = 'failed') then
        raise 'not a failed message to this address on this channel' using errcode = 'SB422', constraint = '/retry_of';
    end if;
    if cardinality (p_attachments) > 0 then
        with mine as (
            select f.attachment_id from gateway.attachment f
            where f.account_id = p_account and f.attachment_id = any (p_attachments) and f.message_id is null and f.status = 'stored'
            order by f.attachment_id
            for no key update
        )
        select count (*) into v_n from mine;
        if v_n <> cardinality (p_attachments) then
            raise 'not a file that was uploaded and is in no message yet' using errcode = 'SB422', constraint = '/attachments';
        end if;
    end if;
end $$;
comment on function check_send is 'refuses references to what is not there; locks attachments; SB422';

-- An outgoing message whose pair is locked. Raises SB404.
create function lock_message_pair (p_account bigint, p_message uuid) returns gateway.message language plpgsql as $$
declare
    m gateway.message;
begin
    select k.* into m from gateway.message k where k.account_id = p_account and k.message_id = p_message;
    if m.message_id is null then
        raise 'no such message' using errcode = 'SB404';
    end if;
    perform from gateway.pair p where p.account_id = p_account and p.channel_id = m.channel_id and p.uri = m.to_uri for no key update;
    select k.* into m from gateway.message k where k.account_id = p_account and k.message_id = p_message;
    return m;
end $$;
comment on function lock_message_pair is 'a message whose pair is locked; SB404';

-- Takes a message back that was not begun. Raises SB404, SB409.
create function api_cancel (p_account bigint, p_message uuid, p_now timestamptz) returns table (body text) language plpgsql as $$
declare
    m gateway.message := lock_message_pair (p_account, p_message);
begin
    if m.status = 'canceled' then
        return query select j::text from message_json (p_account, p_message) j;
        return;
    end if;
    delete from gateway.delivery d
    where d.account_id = p_account and d.message_id = p_message and d.claim_id is null and not d.uncertain and d.part = 0;
    if not found then
        raise 'the message is on its way or has gone' using errcode = 'SB409';
    end if;
    update gateway.message k set status = 'canceled' where k.account_id = p_account and k.message_id = p_message;
    perform promote (array[p_account], array[m.channel_id], array[m.to_uri]);
    perform tell (array[p_account], array['message.canceled'], array[m.ticket_id], array[p_message], array[null::uuid], p_now);
    return query select j::text from message_json (p_account, p_message) j;
end $$;
comment on function api_cancel is 'takes a message back; locks pair, delivery, message, counter; SB404, SB409';

-- Settles an uncertain message by hand: as sent, failed or retry. Raises SB404, SB409, SB422.
create function api_settle (p_account bigint, p_message uuid, p_as text, p_now timestamptz) returns table (body text) language plpgsql as $$
declare
    m gateway.message := lock_message_pair (p_account, p_message);
    d gateway.delivery;
    v_type text;
begin
    if p_as is null or p_as not in ('sent', 'failed', 'retry') then
        raise 'as is sent, failed or retry' using errcode = 'SB422', constraint = '/as';
    end if;
    select k.* into d from gateway.delivery k
    where k.account_id = p_account and k.message_id = p_message and k.uncertain and k.claim_id is null for no key update;
    if m.status <> 'uncertain' or d.message_id is null then
        raise 'only what is uncertain can be settled' using errcode = 'SB409';
    end if;
    if p_as = 'retry' then
        update gateway.delivery k set state = 1, run_at = now (), give_up_at = greatest (k.give_up_at, p_now + interval '1 hour')
        where k.account_id = p_account and k.message_id = p_message;
    else
        -- Sent is the part that was tried; what is left of the message goes on. Failing ends all that is left.
        insert into gateway.part (account_id, message_id, part, status, updated_at)
        select p_account, p_message, g, p_as, p_now
        from generate_series (d.part, case p_as when 'sent' then d.part else coalesce (m.n_parts, 1) - 1 end) g
        on conflict do nothing;
        if p_as = 'failed' then
            update gateway.message k
            set error = jsonb_build_object ('code', 'settled', 'title', 'settled as failed by hand', 'detail', null, 'provider_code', null)
            where k.account_id = p_account and k.message_id = p_message;
        end if;
        perform catch_up (array[p_account], array[p_message]);
    end if;
    perform promote (array[p_account], array[m.channel_id], array[m.to_uri]);
    select 'message.' || r.status into v_type from raise_status (array[p_account], array[p_message]) r;
    perform tell (array[p_account], array[coalesce (v_type, 'message.updated')], array[m.ticket_id], array[p_message], array[null::uuid], p_now);
    return query select j::text from message_json (p_account, p_message) j;
end $$;
comment on function api_settle is 'settles an uncertain message by hand; locks pair, delivery, message, counter; SB404, SB409, SB422';

-- Outgoing messages, newest first, by reference, status, or since a time. p_after: the id of the last one of the page before.
create function api_outgoing (p_account bigint, p_reference text, p_status text, p_since timestamptz, p_limit int, p_after text)
returns table (data text, next text, at bigint)
language plpgsql stable set plan_cache_mode = force_custom_plan as $$
declare
    v_at bigint := event_at (p_account);
begin
    if p_status not in ('queued', 'uncertain', 'sent', 'failed', 'delivered', 'read', 'canceled') then
        raise 'status is queued, uncertain, sent, failed, delivered, read or canceled' using errcode = 'SB422', constraint = 'status';
    end if;
    perform check_id_cursor (p_after);
    return query
    with page as materialized (
        select m.message_id, row_number () over (order by m.message_id desc) as n
        from gateway.message m
        where m.account_id = p_account and m.kind = 'outgoing'
          and (p_reference is null or m.reference = p_reference)
          and (p_status is null or m.status = p_status)
          and (p_since is null or m.created_at >= p_since and m.message_id >= id_floor (p_since - interval '1 minute'))
          and (p_after is null or m.message_id < p_after::uuid)
        order by m.message_id desc
        limit p_limit + 1
    )
    select coalesce (json_agg (j order by p.n) filter (where p.n <= p_limit), '[]')::text,
           case when count (*) > p_limit then (array_agg (p.message_id) filter (where p.n = p_limit))[1]::text end,
           v_at
    from page p
    cross join lateral message_json (p_account, p.message_id) j;
end $$;
comment on function api_outgoing is 'a page of outgoing messages; no locks; SB422';

-- A file that was uploaded: its bytes are stored already.
create function api_attachment_create (p_account bigint, p_attachment uuid, p_mime text, p_name text, p_size bigint, p_sha256 bytea, p_now timestamptz)
returns table (body text) language plpgsql as $$
begin
    insert into gateway.attachment (account_id, attachment_id, position, status, mime, name, size, sha256, created_at)
    values (p_account, p_attachment, 0, 'stored', p_mime, p_name, p_size, p_sha256, p_now);
    return query
    select json_build_object ('id', p_attachment, 'mime', p_mime, 'name', p_name, 'size', p_size, 'status', 'stored', 'error', null)::text;
end $$;
comment on function api_attachment_create is 'notes an uploaded file; no locks';
