-- UUIDv7: ids of rows that are made here; the gateway makes its own.
create function new_id (p_at timestamptz) returns uuid language sql volatile as $$
    select overlay (overlay (r placing substr (id_floor (p_at)::text, 1, 13) from 1) placing '7' from 15)::uuid
    from cast (gen_random_uuid () as text) r
$$;
comment on function new_id is 'an id of this moment';

create function id_floor (p_at timestamptz) returns uuid language sql immutable strict as $$
    select encode (substr (int8send ((extract (epoch from p_at) * 1000)::bigint), 3) || '\x70008000000000000000', 'hex')::uuid
$$;
comment on function id_floor is 'the smallest id of a moment: a bound in time';
