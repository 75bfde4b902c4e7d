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

-- Changes a contact if it is still at p_version (null: whatever it is): its name where p_rename (null: none), whether it is blocked where
-- p_blocked is not null.
create function api_contact_patch (p_account bigint, p_contact uuid, p_version bigint, p_rename boolean, p_name text, p_blocked boolean, p_now timestamptz)
returns table (body text, version bigint) language plpgsql as $$
declare
    k gateway.contact;
    v_name text;
    v_blocked timestamptz;
begin
    select c.* into k from gateway.contact c where c.account_id = p_account and c.contact_id = p_contact for no key update;
    if k.contact_id is null then
        raise 'no such contact' using errcode = 'SB404';
    end if;
    if k.version <> p_version then
        raise 'the contact was changed meanwhile: it is at version %', k.version using errcode = 'SB412';
    end if;
    v_name := case when p_rename then p_name else k.name end;
    v_blocked := case when p_blocked then coalesce (k.blocked_at, p_now) when p_blocked is null then k.blocked_at end;
    if (v_name, v_blocked) is distinct from (k.name, k.blocked_at) then
        update gateway.contact c set name = v_name, blocked_at = v_blocked, updated_at = p_now, version = c.version + 1
        where c.account_id = p_account and c.contact_id = p_contact
        returning * into k;
        perform tell (array[p_account], array['contact.updated'], array[null::uuid], array[null::uuid], array[p_contact], p_now);
    end if;
    return query select j::text, k.version from contact_json (p_account, p_contact) j;
end $$;
comment on function api_contact_patch is 'renames or blocks a contact; locks contact, counter; SB404, SB412';
