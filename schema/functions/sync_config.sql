-- Accounts and channels as a configuration file says. What left the file is disabled if this file had put it there, never deleted. p_windows, p_paces:
-- microseconds; they and p_bursts: 0 where the channel has none.
create function sync_config (p_file text, p_accounts text[], p_names text[], p_opt_out_scopes text[], p_channel_accounts text[], p_channel_slugs text[],
                             p_adapters text[], p_addresses text[], p_windows bigint[] default '{}', p_paces bigint[] default '{}',
                             p_bursts int[] default '{}')
returns table (kind text, account text, channel text, account_id bigint, channel_id bigint)
language plpgsql as $$
#variable_conflict use_column
begin
    -- One at a time: two gateways of one file start together.
    perform pg_advisory_xact_lock (1398227525);

    insert into gateway.account as a (slug, name, opt_out_scope, config_file)
    select s, coalesce (n, s), coalesce (o, 'pair'), p_file from unnest (p_accounts, p_names, p_opt_out_scopes) x (s, n, o)
    on conflict (slug) do update
    set name = excluded.name, opt_out_scope = excluded.opt_out_scope, config_file = excluded.config_file, disabled_at = null
    where (a.name, a.opt_out_scope, a.config_file, a.disabled_at)
          is distinct from (excluded.name, excluded.opt_out_scope, excluded.config_file, null);

    update gateway.account a set disabled_at = now ()
    where a.config_file = p_file and a.disabled_at is null and a.slug <> all (p_accounts);

    insert into gateway.channel as c (account_id, slug, adapter, address, config_file, reply_window, pair_pace, pair_burst)
    select a.account_id, s, ad, u, p_file, nullif (w, 0) * interval '1 microsecond', nullif (p, 0) * interval '1 microsecond', nullif (b, 0)
    from unnest (p_channel_accounts, p_channel_slugs, p_adapters, p_addresses, p_windows, p_paces, p_bursts) x (ac, s, ad, u, w, p, b)
    join gateway.account a on a.slug = ac
    on conflict (account_id, slug) do update
    set adapter = excluded.adapter, address = excluded.address, config_file = excluded.config_file, disabled_at = null,
        reply_window = excluded.reply_window, pair_pace = excluded.pair_pace, pair_burst = excluded.pair_burst
    where (c.adapter, c.address, c.config_file, c.disabled_at, c.reply_window, c.pair_pace, c.pair_burst)
          is distinct from (excluded.adapter, excluded.address, excluded.config_file, null, excluded.reply_window, excluded.pair_pace, excluded.pair_burst);

    update gateway.channel c set disabled_at = now ()
    from gateway.account a
    where a.account_id = c.account_id and c.config_file = p_file and c.disabled_at is null
      and not exists (select from unnest (p_channel_accounts, p_channel_slugs) x (ac, s) where ac = a.slug and s = c.slug);

    insert into gateway.counter (account_id) select a.account_id from gateway.account a on conflict do nothing;

    return query
    select 'account', a.slug, null::text, a.account_id, null::bigint from gateway.account a where a.slug = any (p_accounts)
    union all
    select 'channel', a.slug, c.slug, a.account_id, c.channel_id
    from gateway.channel c join gateway.account a on a.account_id = c.account_id
    where c.config_file = p_file and c.disabled_at is null;
end $$;
comment on function sync_config is 'makes the rows of a configuration file; takes an advisory lock';
