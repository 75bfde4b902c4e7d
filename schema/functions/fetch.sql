-- Files of incoming messages that a provider still holds: which are due, that somebody is at them, and what became of them.
--
-- A claim is run_at moved on and claim_id set. It is short and renewed while the file is under way, so what a dead gateway had begun is begun
-- again within seconds. Nobody notices a file that is fetched twice; the fence keeps the second one's report out.

-- Takes due files of these channels, p_most in all and p_counts of one channel. Channels take turns: one with little room left has much under
-- way already. Locks attachments, skipping what others hold.
create function claim_files (p_accounts bigint[], p_channels bigint[], p_counts int[], p_most int, p_claim uuid, p_lease interval)
returns table (account_id bigint, channel_id bigint, attachment_id uuid, url text, attempt int, created_at timestamptz, expected_sha256 text)
language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
begin
    perform plan_young ();
    return query
    with due as materialized (
        select d.account_id as a, d.attachment_id as i, row_number () over (partition by a, c order by d.run_at) - n as turn, d.run_at as t
        from unnest (p_accounts, p_channels, p_counts) x (a, c, n)
        cross join lateral (
            select * from gateway.attachment k
            where k.account_id = a and k.channel_id = c and k.status = 'waiting' and k.run_at <= now ()
            order by k.run_at
            limit n
            for no key update skip locked
        ) d
    ), chosen as materialized (
        select a, i from due order by turn, t limit p_most
    )
    update gateway.attachment f
    set claim_id = p_claim, run_at = now () + p_lease, attempts = f.attempts + 1
    from chosen
    where f.account_id = a and f.attachment_id = i
    returning f.account_id, f.channel_id, f.attachment_id, f.url, f.attempts, f.created_at, encode (f.expected_sha256, 'hex');
end $$;
comment on function claim_files is 'takes due files; locks attachments, skipping what others hold';

-- The files are still under way.
create function renew_files (p_claim uuid, p_accounts bigint[], p_files uuid[], p_lease interval) returns void language sql as $$
    update gateway.attachment f set run_at = now () + p_lease
    from unnest (p_accounts, p_files) x (a, i)
    where f.account_id = a and f.attachment_id = i and f.claim_id = p_claim and f.status = 'waiting'
$$;
comment on function renew_files is 'prolongs claims; locks attachments';

-- What became of files; one position a file. s_outcome:
--   stored    its bytes are in storage.directory; the type that the provider had told with the message stands, else s_mime
--   failed    it will not come; s_error says why
--   retry     again at s_run_at; s_error says why
--   release   was not tried to its end: as if it had not been claimed
-- Fenced by claim_id. A message one of whose files is stored or has failed is told as message.updated. Gives back how many were still the
-- caller's. Locks attachments in key order, then counters.
create function settle_files (p_claim uuid, p_now timestamptz, s_account bigint[], s_file uuid[], s_outcome text[], s_error text[], s_mime text[],
                              s_size bigint[], s_sha256 bytea[], s_run_at timestamptz[]) returns int language plpgsql
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    v_n int;
    e_account bigint[]; e_ticket uuid[]; e_message uuid[];
begin
    perform plan_young ();
    with mine as materialized (
        select a, i, o, e, m, s, h, r
        from (
            select * from unnest (s_account, s_file, s_outcome, s_error, s_mime, s_size, s_sha256, s_run_at) y (a, i, o, e, m, s, h, r)
            order by a, i
        ) x
        cross join lateral (
            select from gateway.attachment k
            where k.account_id = a and k.attachment_id = i and k.claim_id = p_claim and k.status = 'waiting'
            for no key update
        ) k
    ), settled as (
        update gateway.attachment f
        set status = case when o in ('stored', 'failed') then o else f.status end,
            mime = case o when 'stored' then coalesce (f.mime, m) else f.mime end,
            size = case o when 'stored' then s end,
            sha256 = case o when 'stored' then h end,
            error = case o when 'release' then f.error else e end,
            attempts = f.attempts - (o = 'release')::int,
            run_at = case o when 'retry' then now () + (r - p_now) when 'release' then now () end,
            claim_id = null
        from mine
        where f.account_id = a and f.attachment_id = i
        returning f.account_id, f.message_id, o
    ), told as (
        select distinct s.account_id, m.ticket_id, s.message_id
        from settled s
        join gateway.message m on m.account_id = s.account_id and m.message_id = s.message_id
        where o in ('stored', 'failed')
    )
    select (select count (*) from settled), array_agg (t.account_id order by t.account_id, t.message_id),
           array_agg (t.ticket_id order by t.account_id, t.message_id), array_agg (t.message_id order by t.account_id, t.message_id)
    into v_n, e_account, e_ticket, e_message
    from told t;
    if e_account is not null then
        perform tell (e_account, array_fill ('message.updated'::text, array[cardinality (e_account)]), e_ticket, e_message,
                      array_fill (null::uuid, array[cardinality (e_account)]), p_now);
    end if;
    return v_n;
end $$;
comment on function settle_files is 'what became of files; locks attachments, then counters';
