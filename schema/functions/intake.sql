-- Stores one batch of requests in one transaction; the caller's commit is what makes it acknowledged.
--
-- j_*  one position a request, for the journal. j_quarantine: why it could not be understood, else null.
-- m_*  one position an incoming message; m_request points into j_*; m_hash is the 16-byte hash of kind and provider's id. m_opt_out: the
--      keyword that it is as a whole (stop, start, help, yes), else null.
-- a_*  one position a file of a message; a_message points into m_*.
-- r_*  one position a receipt; r_request points into j_*.
-- All ids come from the caller (UUIDv7), so that a batch whose commit was lost may be run again as it is.
--
-- A keyword alone opens no ticket: where the pair has no unclosed one it is heeded and journaled, but is no message.
--
-- Locks, the same order for everybody, sorted within each: provider_id, pair, opt_out, address, ticket, counter. Every row that may exist is
-- reached through a key, so that a plan made while the tables were empty is a good one for ever.
-- Raises SB001 when a message was neither stored, known, heard nor quarantined: a fault of this function, never of the input.
create function intake (
    j_account bigint[], j_channel bigint[], j_id uuid[], j_at timestamptz[], j_raw bytea[], j_file text[], j_size bigint[],
    j_quarantine text[],
    m_request int[], m_hash bytea[], m_external_id text[], m_id uuid[], m_contact uuid[], m_ticket uuid[],
    m_from text[], m_to text[], m_name text[], m_text text[], m_content jsonb[], m_provider_time timestamptz[],
    m_opt_out text[],
    a_message int[], a_position int[], a_id uuid[], a_url text[], a_mime text[], a_name text[],
    r_request int[], r_position int[], r_hash bytea[], r_external_id text[], r_status text[], r_code text[], r_detail text[],
    r_at timestamptz[], r_reference uuid[], r_part int[], r_opted_out boolean[],
    out stored int, out known int, out quarantined int, out receipts int, out heard int
) language plpgsql
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
  set plan_cache_mode = force_generic_plan as $$
declare
    v_given int := cardinality (m_id);
    v_account bigint[]; v_channel bigint[]; v_at timestamptz[]; v_journal uuid[];
    v_pair_contact uuid[]; v_pair_ticket uuid[]; v_status text[]; v_closed timestamptz[];
    v_missing int[]; v_new_contact int[]; v_opt_event text[];
    v_final_ticket uuid[]; v_ticket_state text[];
    v_new uuid[]; v_created uuid[]; v_number bigint[]; v_last int[]; v_count int[];
    v_q uuid[]; v_n int;
begin
    known := 0; receipts := 0; heard := 0;

    insert into gateway.journal (account_id, journal_id, channel_id, at, raw, file, outcome)
    select a, j, c, t, raw, file, case when q is null then 'accepted' else 'quarantined' end
    from unnest (j_account, j_id, j_channel, j_at, j_raw, j_file, j_quarantine) x (a, j, c, t, raw, file, q)
    on conflict do nothing;

    -- What could not be understood waits, seen, in the quarantine.
    with made as (
        insert into gateway.quarantine (account_id, quarantine_id, channel_id, reason, size, at)
        select a, j, c, q, s, t
        from unnest (j_account, j_id, j_channel, j_quarantine, j_size, j_at) x (a, j, c, q, s, t)
        where q is not null
        on conflict do nothing
        returning quarantine_id
    )
    select coalesce (array_agg (quarantine_id), '{}') into v_q from made;
    quarantined := cardinality (v_q);

    -- Receipts wait to be matched (match_receipts).
    if cardinality (r_request) > 0 then
        insert into gateway.receipt (account_id, channel_id, hash, journal_id, position, external_id, status, code, detail, at, reference,
                                     reference_part, opted_out)
        select j_account[r], j_channel[r], h, j_id[r], p, e, s, c, d, coalesce (t, j_at[r]), f, g, coalesce (o, false)
        from unnest (r_request, r_position, r_hash, r_external_id, r_status, r_code, r_detail, r_at, r_reference, r_part, r_opted_out)
             x (r, p, h, e, s, c, d, t, f, g, o)
        order by 1, 2, 3, 4, 5
        on conflict do nothing;
        get diagnostics receipts = row_count;
    end if;

    select coalesce (array_agg (j_account[r] order by o), '{}'), array_agg (j_channel[r] order by o), array_agg (j_at[r] order by o),
           array_agg (j_id[r] order by o)
    into v_account, v_channel, v_at, v_journal
    from unnest (m_request) with ordinality x (r, o);

    -- Once. A twin in a batch that is still open makes us wait for its commit here, and then counts as known.
    -- Of twins in this batch the first is kept.
    with made as (
        insert into gateway.provider_id (account_id, channel_id, hash, message_id, created_at)
        select a, c, h, m, t
        from unnest (v_account, v_channel, m_hash, m_id, v_at) with ordinality x (a, c, h, m, t, o)
        order by a, c, h, o
        on conflict do nothing
        returning message_id
    )
    select coalesce (array_agg (message_id), '{}') into v_new from made;
    stored := cardinality (v_new);

    if stored < v_given then                -- rare: keep only what is new
        known := v_given - stored;
        with kept as materialized (
            select x.*, row_number () over (order by o) as n
            from unnest (v_account, v_channel, v_at, v_journal, m_hash, m_external_id, m_id, m_contact, m_ticket, m_from, m_to, m_name,
                         m_text, m_content, m_provider_time, m_opt_out)
                 with ordinality x (a, c, t, j, h, e, m, co, ti, f, tt, na, te, cn, pt, oo, o)
            where m = any (v_new)       -- not: whose row names this message; in a batch that is run again every row does
        ), files as (
            select k.n, ap, ai, au, am, an
            from unnest (a_message, a_position, a_id, a_url, a_mime, a_name) y (am_, ap, ai, au, am, an)
            join kept k on k.o = am_
        )
        select coalesce (array_agg (a order by o), '{}'), array_agg (c order by o), array_agg (t order by o), array_agg (j order by o),
               array_agg (e order by o), coalesce (array_agg (m order by o), '{}'), array_agg (co order by o), array_agg (ti order by o),
               array_agg (f order by o), array_agg (tt order by o), array_agg (na order by o), array_agg (te order by o),
               array_agg (cn order by o), array_agg (pt order by o), array_agg (oo order by o),
               (select array_agg (n) from files), (select array_agg (ap) from files), (select array_agg (ai) from files),
               (select array_agg (au) from files), (select array_agg (am) from files), (select array_agg (an) from files)
        into v_account, v_channel, v_at, v_journal, m_external_id, m_id, m_contact, m_ticket, m_from, m_to, m_name, m_text, m_content,
             m_provider_time, m_opt_out, a_message, a_position, a_id, a_url, a_mime, a_name
        from kept;
        stored := cardinality (m_id);
        known := v_given - stored;
    end if;

    if stored > 0 then
        -- The pair: made where it is new, then locked, both in key order.
        insert into gateway.pair (account_id, channel_id, uri)
        select distinct a, c, f
        from unnest (v_account, v_channel, m_from) x (a, c, f)
        where not exists (select from gateway.pair p where p.account_id = a and p.channel_id = c and p.uri = f)
        order by 1, 2, 3
        on conflict do nothing;

        with pairs as materialized (
            select a, c, f, array_agg (o) as os
            from unnest (v_account, v_channel, m_from) with ordinality x (a, c, f, o)
            group by a, c, f
            order by a, c, f
        ), locked as materialized (
            select os, p.contact_id, p.ticket_id
            from pairs cross join lateral (
                select k.contact_id, k.ticket_id from gateway.pair k
                where k.account_id = a and k.channel_id = c and k.uri = f
                for no key update
            ) p
        )
        select array_agg (contact_id order by o), array_agg (ticket_id order by o), array_agg (o::int) filter (where contact_id is null)
        into v_pair_contact, v_pair_ticket, v_missing
        from locked, unnest (os) o;

        if array_remove (m_opt_out, null) <> '{}' then
            select h.keywords, h.events into m_opt_out, v_opt_event
            from heed (v_account, m_id, v_channel, m_from, m_opt_out, m_text, v_journal, (
                select array_agg (least (t, at) order by i) from unnest (m_provider_time, v_at) with ordinality x (t, at, i))) h;
        end if;

        -- Who: the contact of each new pair; unknown addresses and their contacts are made, once each.
        if v_missing is not null then
            with fresh as materialized (
                select distinct on (v_account[o], m_from[o]) v_account[o] a, m_from[o] f, m_contact[o] c, m_name[o] n, v_at[o] t, o
                from unnest (v_missing) o
                order by v_account[o], m_from[o], o
            ), made as (
                insert into gateway.address (account_id, uri, contact_id, created_at)
                select a, f, c, t from fresh order by a, f
                on conflict do nothing
                returning account_id, contact_id
            ), people as (
                insert into gateway.contact (account_id, contact_id, name, created_at, updated_at)
                select fresh.a, fresh.c, fresh.n, fresh.t, fresh.t
                from fresh join made on made.account_id = fresh.a and made.contact_id = fresh.c
                returning account_id, contact_id
            )
            select array_agg (fresh.o) into v_new_contact
            from fresh join people on people.account_id = fresh.a and people.contact_id = fresh.c;

            -- A new statement, so a new snapshot: it sees what another writer made meanwhile.
            select array_agg (coalesce (c, (select k.contact_id from gateway.address k where k.account_id = a and k.uri = f)) order by o)
            into v_pair_contact
            from unnest (v_pair_contact, v_account, m_from) with ordinality x (c, a, f, o);
        end if;

        -- Which ticket: the pair's newest, unless it has been closed for seven days or more. None, where a keyword finds none unclosed and no message
        -- before it opens one.
        select array_agg (t.status order by o), array_agg (t.closed_at order by o), array_agg (t.last_number order by o)
        into v_status, v_closed, v_number
        from unnest (v_account, v_pair_ticket) with ordinality x (a, p, o)
        left join lateral (
            select k.status, k.closed_at, k.last_number from gateway.ticket k where k.account_id = a and k.ticket_id = p
        ) t on true;

        with x as materialized (
            select a, c, f, o, p, s, cl, n,
                   k is null or coalesce (s <> 'closed', false) or bool_or (k is null) over (partition by a, c, f order by o) as kept
            from unnest (v_account, v_channel, m_from, v_pair_ticket, v_status, v_closed, v_number, m_opt_out)
                 with ordinality x (a, c, f, p, s, cl, n, k, o)
        ), first as (
            select *, min (o) filter (where kept) over pair as lead, max (o) filter (where kept) over pair as last,
                   count (*) filter (where kept) over pair as n_pair, count (*) filter (where kept) over (pair order by o) as rank
            from x window pair as (partition by a, c, f)
        )
        select array_agg (case when not kept then null when opens then m_ticket[lead] else p end order by o),
               array_agg (case when not kept or rank > 1 then null
                               when opens then 'created'
                               when s = 'closed' then 'reopened' end order by o),
               array_agg (case when opens then 0 else n end + rank order by o),
               array_agg (last::int order by o), array_agg (n_pair::int order by o), count (*) filter (where not kept)
        into v_final_ticket, v_ticket_state, v_number, v_last, v_count, heard
        from (select *, s is null or s = 'closed' and cl <= v_at[lead] - interval '7 days' as opens from first) y;
        stored := stored - heard;
        select coalesce (array_agg (t), '{}') into v_created from unnest (v_final_ticket, v_ticket_state) x (t, s) where s = 'created';

        update gateway.ticket k
        set unread = k.unread + n, last_number = k.last_number + n, last_message_id = m_id[o], last_message_at = v_at[o],
            status = case when k.status = 'closed' then 'open' else k.status end, closed_at = null,
            updated_at = v_at[o], version = k.version + 1
        from (select v_account[l] a, t, l o, n
              from unnest (v_final_ticket, v_last, v_count) with ordinality x (t, l, n, o)
              where l = o and t <> all (v_created)
              order by 1, 2) g
        where k.account_id = g.a and k.ticket_id = g.t;
    end if;

    -- The counters are the last lock, in account order.
    if stored + heard + quarantined > 0 then
        with happening as materialized (
            -- what happened, in the order in which the log tells it
            select v_account[o] a, 'contact.created' type, o::bigint o, 1 k, v_at[o] at, null::uuid t, null::uuid m, v_pair_contact[o] s
            from unnest (v_new_contact) o
            union all
            select v_account[o], 'ticket.' || s, o, 2, v_at[o], v_final_ticket[o], null, null
            from unnest (v_ticket_state) with ordinality x (s, o) where s is not null
            union all
            select a, 'message.received', o, 3, at, t, m, null
            from unnest (v_account, v_at, v_final_ticket, m_id) with ordinality x (a, at, t, m, o) where stored > 0 and t is not null
            union all
            select v_account[o], e, o, 4, v_at[o], null, null, v_pair_contact[o]
            from unnest (v_opt_event) with ordinality x (e, o) where e is not null
            union all
            select a, 'input.quarantined', 1000000 + o, 5, at, null, null, j
            from unnest (j_account, j_at, j_id) with ordinality x (a, at, j, o) where quarantined > 0 and j = any (v_q)
        ), bumped as (
            insert into gateway.counter as c (account_id, last_event, last_ticket)
            select a, count (*), count (*) filter (where type = 'ticket.created') from happening group by a order by a
            on conflict (account_id) do update
            set last_event = c.last_event + excluded.last_event, last_ticket = c.last_ticket + excluded.last_ticket
            returning account_id, last_event, last_ticket
        ), numbered as materialized (
            select h.*, b.last_event + 1 - row_number () over (partition by h.a order by h.o desc, h.k desc) as number,
                   b.last_ticket + 1 - sum ((h.type = 'ticket.created')::int) over (partition by h.a order by h.o desc, h.k desc)
                       as ticket_number
            from happening h join bumped b on b.account_id = h.a
        ), tickets as (
            insert into gateway.ticket (account_id, ticket_id, number, channel_id, uri, contact_id, unread, last_number, last_message_id,
                                        last_message_at, created_at, updated_at)
            select a, t, ticket_number, v_channel[o], m_from[o], v_pair_contact[o], v_count[o], v_count[o], m_id[v_last[o]],
                   v_at[v_last[o]], at, v_at[v_last[o]]
            from numbered
            where type = 'ticket.created'
        )
        insert into gateway.event (account_id, number, type, at, ticket_id, message_id, subject_id)
        select a, number, type, at, t, m, s from numbered;
    end if;

    if stored + heard > 0 then
        insert into gateway.message (account_id, message_id, ticket_id, number, journal_id, channel_id, kind, status, from_uri, to_uri,
                                     author_id, external_id, text, content, has_attachments, created_at, provider_time)
        select a, m, t, n, j, c, 'incoming', 'received', f, tt, co, e, te, cn, coalesce (o = any (a_message), false), at, pt
        from unnest (v_account, m_id, v_final_ticket, v_number, v_journal, v_channel, m_from, m_to, v_pair_contact, m_external_id, m_text,
                     m_content, v_at, m_provider_time)
             with ordinality x (a, m, t, n, j, c, f, tt, co, e, te, cn, at, pt, o)
        where t is not null;
        get diagnostics v_n = row_count;

        update gateway.pair p
        set contact_id = v_pair_contact[o], ticket_id = v_final_ticket[o]
        from unnest (v_ticket_state) with ordinality x (s, o)
        where s = 'created' and p.account_id = v_account[o] and p.channel_id = v_channel[o] and p.uri = m_from[o];
        if heard > 0 then
            update gateway.pair p set contact_id = v_pair_contact[o]
            from unnest (v_final_ticket) with ordinality x (t, o)
            where t is null and p.contact_id is null and p.account_id = v_account[o] and p.channel_id = v_channel[o] and p.uri = m_from[o];
        end if;

        if cardinality (a_message) > 0 then
            insert into gateway.attachment (account_id, attachment_id, message_id, position, url, mime, name, created_at, channel_id, run_at)
            select v_account[m], i, m_id[m], p, u, mi, na, v_at[m], v_channel[m], now ()
            from unnest (a_message, a_position, a_id, a_url, a_mime, a_name) x (m, p, i, u, mi, na)
            where v_final_ticket[m] is not null;
        end if;
        if v_n <> stored or stored + known + heard <> v_given then
            raise 'intake lost a message: % given, % known, % heard, % stored, % written', v_given, known, heard, stored, v_n using errcode = 'SB001';
        end if;
    end if;
end $$;
comment on function intake is 'stores a batch of accepted requests; locks provider_id, pair, opt_out, address, ticket, counter in key order';
