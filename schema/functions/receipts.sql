-- What providers say later of what was sent. intake() only keeps a receipt; here it finds its message. A receipt may come twice, late, in
-- any order and before the answer to the send: so statuses only rise, and one that finds no message is looked at again, twice, and when its
-- message becomes known (learn_ids); it is kept for a week.

-- The outgoing message that a receipt speaks of: the one that the provider calls so, or the one that the receipt itself names.
create function receipt_target (p_account bigint, p_channel bigint, p_hash bytea, p_reference uuid, p_part int)
returns table (message_id uuid, part int, uri text) language sql stable rows 1 as $$
    select m.message_id, x.part, m.to_uri
    from (
        select 1 as o, p.message_id as id, p.part from gateway.provider_id p
        where p.account_id = p_account and p.channel_id = p_channel and p.hash = p_hash
        union all
        select 2, p_reference, coalesce (p_part, 0) where p_reference is not null
    ) x
    join gateway.message m on m.account_id = p_account and m.message_id = x.id
    where m.kind = 'outgoing' and m.channel_id = p_channel and x.part between 0 and coalesce (m.n_parts, 1) - 1
    order by x.o
    limit 1
$$;
comment on function receipt_target is 'the message and part of a receipt; no locks';

-- Gives up to p_limit receipts to their messages; how many were looked at. Matchers wait for each other, so that receipts need no lock while
-- pairs are waited for. Locks pairs, deliveries, provider_id, receipts, messages, opt_out, counters.
create function match_receipts (p_limit int, p_now timestamptz) returns int language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    r_account bigint[]; r_channel bigint[]; r_hash bytea[]; r_journal uuid[]; r_position int[]; r_message uuid[];
    v_account bigint[]; v_channel bigint[]; v_uri text[]; v_message uuid[]; v_part int[]; v_hash bytea[]; v_external_id text[];
    v_status text[]; v_code text[]; v_detail text[]; v_refused int[]; v_journal uuid[]; v_reason text[]; v_title text[];
    e_account bigint[]; e_type text[]; e_ticket uuid[]; e_message uuid[]; e_subject uuid[];
begin
    perform plan_young ();
    perform pg_advisory_xact_lock (1398227528);
    with taken as materialized (
        select r.account_id as a, r.channel_id as c, r.hash as h, r.journal_id as j, r.position as p, r.reference, r.reference_part, r.external_id as x,
               -- Whatever the provider says of it, it has it.
               case when status_rank (r.status) > status_rank ('sent') then r.status else 'sent' end as s, r.code, r.detail, r.opted_out as refused, r.reason, r.title
        from gateway.receipt r
        where r.pending and r.look_at <= now ()
        order by r.look_at
        limit p_limit
    ), found as (
        select t.*, f.message_id as m, f.part as g, f.uri as u, row_number () over (partition by f.message_id is null order by a, c, h, j, p) as n
        from taken t
        left join lateral receipt_target (a, c, h, t.reference, t.reference_part) f on true
    )
    select array_agg (a order by a, c, h, j, p), array_agg (c order by a, c, h, j, p), array_agg (h order by a, c, h, j, p),
           array_agg (j order by a, c, h, j, p), array_agg (p order by a, c, h, j, p), array_agg (m order by a, c, h, j, p),
           array_agg (a order by n) filter (where m is not null), array_agg (c order by n) filter (where m is not null),
           array_agg (u order by n) filter (where m is not null), array_agg (m order by n) filter (where m is not null),
           array_agg (g order by n) filter (where m is not null), array_agg (h order by n) filter (where m is not null),
           array_agg (x order by n) filter (where m is not null), array_agg (s order by n) filter (where m is not null),
           array_agg (code order by n) filter (where m is not null), array_agg (detail order by n) filter (where m is not null),
           array_agg (n::int order by n) filter (where m is not null and refused), array_agg (j order by n) filter (where m is not null),
           array_agg (reason order by n) filter (where m is not null), array_agg (title order by n) filter (where m is not null)
    into r_account, r_channel, r_hash, r_journal, r_position, r_message,
         v_account, v_channel, v_uri, v_message, v_part, v_hash, v_external_id, v_status, v_code, v_detail, v_refused, v_journal,
         v_reason, v_title
    from found;
    if r_account is null then
        return 0;
    end if;

    perform lock_pairs (v_account, v_channel, v_uri);
    perform lock_receipts (r_account, r_channel, r_hash);       -- at once, in key order; learn_ids takes some of them again
    perform learn_ids (v_account, v_channel, v_hash, v_message, v_part, p_now);
    update gateway.receipt r
    set message_id = m, pending = m is null and r.looks < 2, looks = r.looks + 1,
        look_at = now () + case r.looks when 0 then interval '2 seconds' else interval '1 minute' end
    from unnest (r_account, r_channel, r_hash, r_journal, r_position, r_message) x (a, c, h, j, p, m)
    where r.account_id = a and r.channel_id = c and r.hash = h and r.journal_id = j and r.position = p;
    if v_account is null then
        return cardinality (r_account);
    end if;

    -- Of several receipts of a part in this batch the furthest counts.
    insert into gateway.part as k (account_id, message_id, part, status, external_id, code, detail, updated_at, reason, title)
    select distinct on (a, m, p) a, m, p, s, x, c, d, p_now, re, ti
    from unnest (v_account, v_message, v_part, v_status, v_external_id, v_code, v_detail, v_reason, v_title) y (a, m, p, s, x, c, d, re, ti)
    order by a, m, p, status_rank (s) desc
    on conflict (account_id, message_id, part) do update
    set status = excluded.status, code = excluded.code, detail = excluded.detail, updated_at = excluded.updated_at,
        external_id = coalesce (k.external_id, excluded.external_id), reason = excluded.reason, title = excluded.title
    where status_rank (excluded.status) > status_rank (k.status);
    if v_refused is not null then
        update gateway.message m
        set error = jsonb_build_object ('code', 'opted_out', 'title', 'the contact has opted out', 'detail', v_detail[o], 'provider_code', v_code[o])
        from unnest (v_refused) o
        where m.account_id = v_account[o] and m.message_id = v_message[o] and m.error is null and status_rank (m.status) < status_rank ('failed');
    end if;
    if 'window_closed' = any (v_reason) then
        perform close_windows (v_account, v_channel, v_uri, v_message, v_reason, p_now);
    end if;
    select array_agg (r.account_id), array_agg ('message.' || r.status), array_agg (r.ticket_id), array_agg (r.message_id),
           array_agg (null::uuid)
    into e_account, e_type, e_ticket, e_message, e_subject
    from raise_status (v_account, v_message) r;
    if v_refused is not null then
        select e_account || array_agg (r.account_id), e_type || array_agg ('contact.opted_out'::text), e_ticket || array_agg (null::uuid),
               e_message || array_agg (null::uuid), e_subject || array_agg (r.contact_id)
        into e_account, e_type, e_ticket, e_message, e_subject
        from (select array_agg (v_account[o]) as a, array_agg (new_id (p_now)) as i, array_agg (v_channel[o]) as c, array_agg (v_uri[o]) as u,
                     array_agg (v_code[o]) as pc, array_agg (v_journal[o]) as j
              from unnest (v_refused) o) y
        cross join lateral opt_out (y.a, y.i, y.c, y.u, 'provider', y.pc, y.j, p_now) r;
    end if;

    -- A delivery whose answer was lost is settled by its receipt.
    perform catch_up (v_account, v_message);
    perform promote (v_account, v_channel, v_uri);
    perform tell (e_account, e_type, e_ticket, e_message, e_subject, p_now);
    return cardinality (r_account);
end $$;
comment on function match_receipts is 'gives receipts to their messages; locks pairs, deliveries, provider_id, receipts, messages, opt_out, counters';

-- A provider that let nothing through because the window was closed knows better than we, unless the customer spoke after the message was written;
-- providers tell that time in whole seconds.
create function close_windows (p_accounts bigint[], p_channels bigint[], p_uris text[], p_messages uuid[], p_reasons text[], p_now timestamptz)
returns void language plpgsql as $$
begin
    update gateway.pair p set window_until = least (p.window_until, p_now)
    from unnest (p_accounts, p_channels, p_uris, p_messages, p_reasons) x (a, c, u, m, re)
    where p.account_id = a and p.channel_id = c and p.uri = u and re = 'window_closed'
      and not exists (
        select from gateway.message k join gateway.channel h on h.account_id = k.account_id and h.channel_id = k.channel_id
        where k.account_id = a and k.message_id = m and p.window_until >= date_trunc ('second', k.created_at) + h.reply_window);
end $$;
comment on function close_windows is 'ends reply windows that the provider calls closed; the caller holds the pairs';
