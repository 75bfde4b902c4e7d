-- One page of the quarantine, newest first. p_status null: all, 'waiting' or 'reprocessed'.
create function api_quarantine (p_account bigint, p_status text, p_limit int, p_after text)
returns table (data text, next text, at bigint)
language plpgsql stable set enable_seqscan = off as $$
begin
    if p_status is not null and p_status not in ('waiting', 'reprocessed') then
        raise 'status is waiting or reprocessed' using errcode = 'SB422', constraint = 'status';
    end if;
    return query
    with page as materialized (
        select q from gateway.quarantine q
        where q.account_id = p_account
          and (p_status is null or (q.reprocessed_at is null) = (p_status = 'waiting'))
          and (p_after is null or q.quarantine_id < p_after::uuid)
        order by q.quarantine_id desc
        limit p_limit + 1
    ), shown as materialized (select (q).* from page limit p_limit)
    select coalesce ((select json_agg (quarantine_json (s::gateway.quarantine) order by s.quarantine_id desc) from shown s), '[]')::text,
           case when (select count (*) from page) > p_limit
                then (select s.quarantine_id::text from shown s order by s.quarantine_id limit 1) end,
           event_at (p_account);
end $$;
comment on function api_quarantine is 'a page of the quarantine; no locks; SB422';

create function api_quarantine_entry (p_account bigint, p_entry uuid)
returns table (channel text, raw bytea, file text, at timestamptz, reprocessed_at timestamptz)
language plpgsql stable as $$
begin
    return query
    select c.slug, j.raw, j.file, q.at, q.reprocessed_at
    from gateway.quarantine q
    join gateway.channel c on c.account_id = q.account_id and c.channel_id = q.channel_id
    join gateway.journal j on j.account_id = q.account_id and j.journal_id = q.quarantine_id and j.at = q.at
    where q.account_id = p_account and q.quarantine_id = p_entry;
    if not found then
        raise 'no such quarantine entry' using errcode = 'SB404';
    end if;
end $$;
comment on function api_quarantine_entry is 'a quarantined request as it came; no locks; SB404';

create function api_quarantine_done (p_account bigint, p_entry uuid, p_now timestamptz) returns table (body text) language plpgsql as $$
declare q gateway.quarantine;
begin
    update gateway.quarantine k set reprocessed_at = coalesce (k.reprocessed_at, p_now)
    where k.account_id = p_account and k.quarantine_id = p_entry
    returning * into q;
    if q.quarantine_id is null then
        raise 'no such quarantine entry' using errcode = 'SB404';
    end if;
    update gateway.journal j set outcome = 'reprocessed'
    where j.account_id = p_account and j.journal_id = p_entry and j.at = q.at;
    return query select quarantine_json (q)::text;
end $$;
comment on function api_quarantine_done is 'notes that an entry was understood after all; locks the entry; SB404';
