create function key_find (p_hash bytea) returns table (account_id bigint, key_id uuid, scopes text) language sql stable as $$
    select k.account_id, k.key_id, k.scopes::text
    from gateway.key k
    join gateway.account a on a.account_id = k.account_id
    where k.hash = p_hash
      and k.revoked_at is null
      and (k.expires_at is null or k.expires_at > now ())
      and a.disabled_at is null
$$;
comment on function key_find is 'the key with this SHA-256; no row: unknown, revoked or expired; no locks';

-- The account is one of a configuration file's; it is made here where no gateway has served that file yet.
create function key_create (p_account text, p_account_name text, p_file text, p_key uuid, p_name text, p_hash bytea, p_last_four text,
                            p_scopes text[], p_expires timestamptz)
returns void language plpgsql as $$
declare
    v_scope text;
begin
    foreach v_scope in array coalesce (p_scopes, '{}') loop
        if v_scope not in ('tickets:read', 'tickets:write', 'messages:send', 'quarantine:manage', 'webhooks:manage', 'admin') then
            raise 'there is no scope "%"', v_scope
                using errcode = 'SB422',
                      hint = 'There are tickets:read, tickets:write, messages:send, quarantine:manage, webhooks:manage and admin.';
        end if;
    end loop;
    insert into gateway.account (slug, name, config_file)
    values (p_account, coalesce (p_account_name, p_account), p_file)
    on conflict (slug) do nothing;
    insert into gateway.key (account_id, key_id, name, hash, last_four, scopes, expires_at)
    select a.account_id, p_key, p_name, p_hash, p_last_four, p_scopes, p_expires
    from gateway.account a
    where a.slug = p_account;
end $$;
comment on function key_create is 'keeps a new key''s hash, and makes its account where it is missing; SB422';

-- p_account: null for all.
create function key_list (p_account text)
returns table (account text, key_id uuid, last_four text, state text, scopes text, created_at timestamptz, name text) language sql stable as $$
    select a.slug, k.key_id, k.last_four,
           case when k.revoked_at is not null then 'revoked' when k.expires_at <= now () then 'expired' else 'good' end,
           coalesce (array_to_string (k.scopes, ','), 'everything'), k.created_at, k.name
    from gateway.key k
    join gateway.account a using (account_id)
    where p_account is null or a.slug = p_account
    order by a.slug, k.created_at, k.key_id
$$;
comment on function key_list is 'keys, by account and age; no locks';

-- Gives back its last four letters; null: there is none.
create function key_revoke (p_key uuid) returns text language sql as $$
    update gateway.key k set revoked_at = coalesce (k.revoked_at, now ()) where k.key_id = p_key returning k.last_four
$$;
comment on function key_revoke is 'ends a key; locks it';
