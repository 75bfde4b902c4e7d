create function api_contact (p_account bigint, p_contact uuid) returns table (body text, version bigint) language plpgsql stable as $$
begin
    return query
    select j::text, k.version
    from gateway.contact k
    cross join lateral contact_json (k.account_id, k.contact_id) j
    where k.account_id = p_account and k.contact_id = p_contact;
    if not found then
        raise 'no such contact' using errcode = 'SB404';
    end if;
end $$;
comment on function api_contact is 'one contact; no locks; SB404';

create function api_channels (p_account bigint) returns table (data text, next text, at bigint) language sql stable as $$
    select coalesce (json_agg (json_build_object (
               'slug', c.slug,
               'adapter', c.adapter,
               'address', c.address,
               'status', case when c.disabled_at is null then 'active' else 'disabled' end,
               'created_at', json_time (c.created_at)) order by c.slug), '[]')::text,
           null::text,
           event_at (p_account)
    from gateway.channel c
    where c.account_id = p_account
$$;
comment on function api_channels is 'every channel of an account; no locks';
