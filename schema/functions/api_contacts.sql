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
