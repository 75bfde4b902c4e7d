-- What waits in the quarantine of an account (null: of all), oldest first, p_limit entries at most; for the operator's command.
create function quarantine_waiting (p_account text, p_limit int)
returns table (account text, quarantine_id uuid, channel text, at timestamptz, size bigint, reason text)
language sql stable as $$
    select a.slug, q.quarantine_id, c.slug, q.at, q.size, q.reason
    from gateway.quarantine q
    join gateway.account a on a.account_id = q.account_id
    join gateway.channel c on c.account_id = q.account_id and c.channel_id = q.channel_id
    where q.reprocessed_at is null
      and (p_account is null or a.slug = p_account)
    order by q.at, q.quarantine_id
    limit p_limit
$$;
comment on function quarantine_waiting is 'the journal entries that wait to be understood; no locks';
