-- Where a page begins: the key of the last row of the page before. Clients can make a cursor's checksum themselves, so what it holds is looked at.
create function check_cursor (p_after text, p_pattern text) returns void language plpgsql immutable as $$
begin
    if p_after !~ p_pattern then
        raise 'not a cursor of this list with these filters' using errcode = 'SB422', constraint = 'cursor';
    end if;
end $$;
comment on function check_cursor is 'refuses what is no key of a list''s rows; null passes; SB422';

create function check_id_cursor (p_after text) returns void language sql immutable as $$
    select check_cursor (p_after, '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')
$$;
comment on function check_id_cursor is 'check_cursor of a list by id';
