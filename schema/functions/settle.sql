-- What became of attempts; one position an attempt, in the order in which claim gave them. s_outcome:
--   sent        this part is with the provider, and it was the last one: done
--   progress    this part is with the provider, more follow: the claim is kept
--   retry       again at s_retry_at
--   failed      never; s_code and s_title say why
--   opted_out   never, and nothing more to this person
--   uncertain   may have happened; again at s_retry_at, or, where that is null or too late, held for a hand
--   release     was not begun: as if it had not been claimed
-- What a gateway had lost (claim says so) is never reported as release: nobody knows that it was not begun.
-- n_…: what channels learned meanwhile, one position a note (gateway.channel_note).
-- Fenced by claim_id and attempt: what is reported of a claim that ended moves no delivery that was claimed again, but what was learned of the
-- provider is kept, and a delivery that is proven by it is done. Gives back how many were still its own. Locks pairs, deliveries, provider_id, receipts,
-- messages, opt_out, channel_note, counters.
create function settle (
    p_claim uuid, p_now timestamptz,
    s_account bigint[], s_channel bigint[], s_uri text[], s_position bigint[], s_message uuid[], s_attempt int[], s_part int[],
    s_outcome text[], s_external_id text[], s_hash bytea[], s_code text[], s_title text[], s_detail text[], s_provider_code text[],
    s_http int[], s_milliseconds int[], s_retry_at timestamptz[], s_notes text[], s_id uuid[],
    n_account bigint[] default '{}', n_channel bigint[] default '{}', n_key text[] default '{}', n_value text[] default '{}',
    n_expires timestamptz[] default '{}'
) returns int language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    v_todo text[]; v_mine int;
    e_account bigint[]; e_type text[]; e_ticket uuid[]; e_message uuid[]; e_subject uuid[];
begin
    perform plan_young ();
    perform lock_pairs (s_account, s_channel, s_uri);
    select c.mine, c.todo into v_mine, v_todo from choose_outcomes (p_claim, s_account, s_channel, s_uri, s_position, s_message, s_attempt, s_part, s_outcome) c;
    insert into gateway.attempt (account_id, message_id, attempt, part, at, outcome, http_status, code, detail, milliseconds)
    select a, m, n, p, p_now, case o when 'progress' then 'sent' else o end, h, pc, d, ms
    from unnest (s_account, s_message, s_attempt, s_part, s_outcome, s_http, s_provider_code, s_detail, s_milliseconds) x (a, m, n, p, o, h, pc, d, ms)
    where o <> 'release'
    on conflict do nothing;
    perform learn_ids (s_account, s_channel, s_hash, s_message, s_part, p_now);
    perform settle_parts (p_now, s_account, s_message, s_part, s_outcome, v_todo, s_external_id, s_code, s_title, s_detail, s_provider_code);
    select m.* into e_account, e_type, e_ticket, e_message, e_subject
    from settle_messages (p_now, s_account, s_channel, s_uri, s_message, s_outcome, v_todo, s_provider_code, s_id) m;
    perform settle_pairs (p_now, s_account, s_channel, s_uri, s_outcome, s_code, s_milliseconds);
    perform settle_deliveries (p_now, s_account, s_channel, s_uri, s_position, s_message, s_part, v_todo, s_retry_at, s_notes);
    perform catch_up (s_account, s_message);
    perform promote (s_account, s_channel, s_uri);
    if n_key <> '{}' then
        perform learn_notes (n_account, n_channel, n_key, n_value, n_expires);
    end if;
    perform tell (e_account, e_type, e_ticket, e_message, e_subject, p_now);
    return v_mine;
end $$;
comment on function settle is 'what became of attempts; locks pairs, deliveries, provider_id, receipts, messages, opt_out, channel_note, counters in key order';

-- Its steps, in their order; p_now and s_… are its own.

-- What is to become of each delivery; null: it is not ours any more, or a later position speaks of it, too. Locked, because a claim takes what
-- has run out without the pair. 'proven': a receipt came for this part, of an earlier attempt, so whatever this one met, it is out. mine: how many
-- are ours.
create function choose_outcomes (p_claim uuid, s_account bigint[], s_channel bigint[], s_uri text[], s_position bigint[], s_message uuid[],
                                 s_attempt int[], s_part int[], s_outcome text[], out mine int, out todo text[]) language plpgsql as $$
begin
    with given as materialized (
        select *, row_number () over (partition by a, c, u, p order by i desc) = 1 as last
        from unnest (s_account, s_channel, s_uri, s_position, s_message, s_attempt, s_part, s_outcome) with ordinality x (a, c, u, p, m, n, g, o, i)
        order by a, c, u, p, i
    ), known as materialized (
        select given.*, d.yes is not null as ours
        from given
        left join lateral (
            select true as yes from gateway.delivery k
            where k.account_id = a and k.channel_id = c and k.uri = u and k.position = p and k.message_id = m and k.claim_id = p_claim
                and k.attempts = n
            for no key update
        ) d on true
    )
    select count (*) filter (where ours),
           array_agg (case when ours and last then
                          case when o in ('failed', 'opted_out', 'uncertain') and exists (
                                   select from gateway.part k where k.account_id = a and k.message_id = m and k.part = g) then 'proven'
                               else o end
                      end order by i)
    into mine, todo
    from known;
end $$;
comment on function choose_outcomes is 'which outcomes count; locks deliveries in key order; the caller holds the pairs';

-- What is with the provider is, whoever holds the delivery now. Failing ends all parts that are left, and says why.
create function settle_parts (p_now timestamptz, s_account bigint[], s_message uuid[], s_part int[], s_outcome text[], p_todo text[],
                              s_external_id text[], s_code text[], s_title text[], s_detail text[], s_provider_code text[])
returns void language plpgsql as $$
begin
    insert into gateway.part as k (account_id, message_id, part, status, external_id, code, detail, updated_at)
    select a, m, p, 'sent', e, null, null, p_now
    from unnest (s_account, s_message, s_part, s_outcome, s_external_id) x (a, m, p, o, e)
    where o in ('sent', 'progress')
    union all
    select a, m, g, 'failed', null, pc, d, p_now
    from unnest (s_account, s_message, s_part, p_todo, s_provider_code, s_detail) x (a, m, p, o, pc, d)
    cross join lateral generate_series (p, (
        select coalesce (f.n_parts, 1) - 1 from gateway.message f where f.account_id = a and f.message_id = m)) g
    where o in ('failed', 'opted_out')
    order by 1, 2, 3
    on conflict (account_id, message_id, part) do update
    set external_id = coalesce (k.external_id, excluded.external_id),
        status = case when status_rank (excluded.status) > status_rank (k.status) then excluded.status else k.status end,
        updated_at = excluded.updated_at;
    update gateway.message m
    set error = jsonb_build_object ('code', c, 'title', t, 'detail', d, 'provider_code', pc)
    from unnest (s_account, s_message, p_todo, s_code, s_title, s_detail, s_provider_code) x (a, m_, o, c, t, d, pc)
    where m.account_id = a and m.message_id = m_ and o in ('failed', 'opted_out');
end $$;
comment on function settle_parts is 'writes parts and errors; locks messages; the caller holds the pairs';

-- Messages are as far as their parts, or in doubt; who has opted out is noted. Gives back what is to be told.
create function settle_messages (p_now timestamptz, s_account bigint[], s_channel bigint[], s_uri text[], s_message uuid[], s_outcome text[],
                                 p_todo text[], s_provider_code text[], s_id uuid[],
                                 out e_account bigint[], out e_type text[], out e_ticket uuid[], out e_message uuid[], out e_subject uuid[])
language plpgsql as $$
begin
    with raised as (
        select r.account_id, 'message.' || r.status, r.ticket_id, r.message_id
        from raise_status (s_account, s_message) r
    ), unsure as (
        update gateway.message m set status = 'uncertain'
        from unnest (s_account, s_message, p_todo) x (a, m_, o)
        where m.account_id = a and m.message_id = m_ and o = 'uncertain' and m.status = 'queued'
        returning m.account_id, 'message.uncertain', m.ticket_id, m.message_id
    )
    select array_agg (a), array_agg (ty), array_agg (t), array_agg (m), array_agg (null::uuid)
    into e_account, e_type, e_ticket, e_message, e_subject
    from (select * from raised union all select * from unsure) y (a, ty, t, m);
    if 'opted_out' = any (s_outcome) then
        select e_account || array_agg (r.account_id), e_type || array_agg ('contact.opted_out'::text), e_ticket || array_agg (null::uuid),
               e_message || array_agg (null::uuid), e_subject || array_agg (r.contact_id)
        into e_account, e_type, e_ticket, e_message, e_subject
        from (select array_agg (a) as a, array_agg (i) as i, array_agg (c) as c, array_agg (u) as u, array_agg (pc) as pc
              from unnest (s_account, s_id, s_channel, s_uri, s_outcome, s_provider_code) x (a, i, c, u, o, pc)
              where o = 'opted_out') y
        cross join lateral opt_out (y.a, y.i, y.c, y.u, 'provider', y.pc, array_fill (null::uuid, array[cardinality (y.a)]), p_now) r;
    end if;
end $$;
comment on function settle_messages is 'raises messages, opts out; locks messages, opt_out; the caller holds the pairs';

-- What is done goes, the rest waits for its time or for a hand.
create function settle_deliveries (p_now timestamptz, s_account bigint[], s_channel bigint[], s_uri text[], s_position bigint[], s_message uuid[],
                                   s_part int[], p_todo text[], s_retry_at timestamptz[], s_notes text[]) returns void language plpgsql as $$
begin
    delete from gateway.delivery d
    using unnest (s_account, s_channel, s_uri, s_position, s_message, p_todo) x (a, c, u, p, m, o)
    where d.account_id = a and d.channel_id = c and d.uri = u and d.position = p and d.message_id = m and o in ('sent', 'failed', 'opted_out');
    update gateway.delivery d
    set run_at = case o when 'progress' then greatest (d.run_at, now () + coalesce (r - p_now, '0')) else now () + coalesce (r - p_now, '0') end,
        claim_id = case o when 'progress' then d.claim_id end,
        attempts = d.attempts - (o = 'release')::int,
        part = case o when 'progress' then g + 1 else d.part end,
        notes = case when o <> 'progress' then coalesce (to_jsonb (n), d.notes) end,
        uncertain = o = 'uncertain' or d.uncertain and o <> 'progress',
        state = case when o = 'uncertain' and (r is null or r > d.give_up_at) then 2 else d.state end
    from unnest (s_account, s_channel, s_uri, s_position, s_message, s_part, p_todo, s_retry_at, s_notes) x (a, c, u, p, m, g, o, r, n)
    where d.account_id = a and d.channel_id = c and d.uri = u and d.position = p and d.message_id = m and o in ('progress', 'retry', 'uncertain', 'release', 'proven');
end $$;
comment on function settle_deliveries is 'ends deliveries or moves them on; the caller holds them and the pairs';

-- What the attempts say of the lines: that a window is closed, unless the customer has written since the attempt began, which opened it again (and
-- which providers tell in whole seconds); and on channels that have a pace for each person, that what was sent is to be paid for by waiting.
create function settle_pairs (p_now timestamptz, s_account bigint[], s_channel bigint[], s_uri text[], s_outcome text[], s_code text[],
                              s_milliseconds int[]) returns void language plpgsql as $$
begin
    if 'window_closed' = any (s_code) then
        update gateway.pair k set window_until = least (k.window_until, p_now)
        from unnest (s_account, s_channel, s_uri, s_outcome, s_code, s_milliseconds) x (a, c, u, o, cd, ms)
        join gateway.channel h on h.account_id = a and h.channel_id = c
        where k.account_id = a and k.channel_id = c and k.uri = u and o = 'failed' and cd = 'window_closed'
          and (k.window_until - h.reply_window >= date_trunc ('second', p_now - ms * interval '1 millisecond')) is not true;
    end if;
    if has_pair_pace (s_account, s_channel) then
        update gateway.pair k set paced_to = greatest (k.paced_to, now ()) + h.pair_pace * n
        from (select a, c, u, count (*) as n
              from unnest (s_account, s_channel, s_uri, s_outcome) x (a, c, u, o)
              where o in ('sent', 'progress')
              group by a, c, u) y
        join gateway.channel h on h.account_id = a and h.channel_id = c
        where k.account_id = a and k.channel_id = c and k.uri = u and h.pair_pace is not null;
    end if;
end $$;
comment on function settle_pairs is 'closes windows, notes what was sent on lines that have a pace; the caller holds the pairs';

create function learn_notes (n_account bigint[], n_channel bigint[], n_key text[], n_value text[], n_expires timestamptz[]) returns void
language sql as $$
    insert into gateway.channel_note as k (account_id, channel_id, key, value, expires_at)
    select distinct on (a, c, y) a, c, y, v, e
    from unnest (n_account, n_channel, n_key, n_value, n_expires) with ordinality x (a, c, y, v, e, o)
    order by a, c, y, o desc
    on conflict (account_id, channel_id, key) do update set value = excluded.value, expires_at = excluded.expires_at
$$;
comment on function learn_notes is 'keeps what channels learned; locks channel_note in key order';
