-- One page of the quarantine, newest first. p_status null: all, 'waiting' or 'reprocessed'; p_after: id of the last row of the page before.
create function api_quarantine (p_account bigint, p_status text, p_limit int, p_after text)
returns table (data text, next text, at bigint)
language plpgsql stable set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    v_at bigint := event_at (p_account);
begin
    if p_status not in ('waiting', 'reprocessed') then
        raise 'status is waiting or reprocessed' using errcode = 'SB422', constraint = 'status';
    end if;
    perform check_id_cursor (p_after);
    return query
    with page as materialized (
        select q.quarantine_id, row_number () over (order by q.quarantine_id desc) as n
        from gateway.quarantine q
        where q.account_id = p_account
          and (p_status is null or (q.reprocessed_at is null) = (p_status = 'waiting'))
          and q.quarantine_id < coalesce (p_after, 'ffffffff-ffff-ffff-ffff-ffffffffffff')::uuid
        order by q.quarantine_id desc
        limit p_limit + 1
    )
    select coalesce (json_agg (j order by p.n) filter (where p.n <= p_limit), '[]')::text,
           case when count (*) > p_limit then max (p.quarantine_id::text) filter (where p.n = p_limit) end,
           v_at
    from page p
    cross join lateral quarantine_json (p_account, p.quarantine_id) j;
end $$;
comment on function api_quarantine is 'a page of the quarantine; no locks; SB422';

create function api_quarantine_entry (p_account bigint, p_entry uuid)
returns table (channel text, raw bytea, file text, at timestamptz, reprocessed_at timestamptz)
language plpgsql stable as $$
begin
    return query
    select c.slug, coalesce (j.raw, q.raw), coalesce (j.file, q.file), q.at, q.reprocessed_at
    from gateway.quarantine q
    join gateway.channel c on c.account_id = q.account_id and c.channel_id = q.channel_id
    left join gateway.journal j on j.account_id = q.account_id and j.journal_id = q.quarantine_id and j.at = q.at
    where q.account_id = p_account and q.quarantine_id = p_entry;
    if not found then
        raise 'no such quarantine entry' using errcode = 'SB404';
    end if;
end $$;
comment on function api_quarantine_entry is 'a quarantined request as it came; no locks; SB404';

create function api_quarantine_done (p_account bigint, p_entry uuid, p_now timestamptz) returns table (body text) language plpgsql as $$
declare
    v_at timestamptz;
begin
    update gateway.quarantine k set reprocessed_at = coalesce (k.reprocessed_at, p_now)
    where k.account_id = p_account and k.quarantine_id = p_entry
    returning k.at into v_at;
    if not found then
        raise 'no such quarantine entry' using errcode = 'SB404';
    end if;
    update gateway.journal j set outcome = 'reprocessed'
    where j.account_id = p_account and j.journal_id = p_entry and j.at = v_at;
    return query select j::text from quarantine_json (p_account, p_entry) j;
end $$;
comment on function api_quarantine_done is 'notes that an entry was understood after all; locks the entry; SB404';
