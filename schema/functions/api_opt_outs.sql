-- The registry of opt-outs as agents and auditors see it, and what agents write there by hand.

-- One page of the registry, newest first, ended ones with it. p_after: the id of the last one of the page before.
create function api_opt_outs (p_account bigint, p_limit int, p_after text) returns table (data text, next text, at bigint)
language plpgsql stable set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    v_at bigint := event_at (p_account);
begin
    perform check_id_cursor (p_after);
    return query
    with page as materialized (
        select o.opt_out_id, row_number () over (order by o.opt_out_id desc) as n
        from gateway.opt_out o
        where o.account_id = p_account and o.opt_out_id < coalesce (p_after, 'ffffffff-ffff-ffff-ffff-ffffffffffff')::uuid
        order by o.opt_out_id desc
        limit p_limit + 1
    )
    select coalesce (json_agg (j order by p.n) filter (where p.n <= p_limit), '[]')::text,
           case when count (*) > p_limit then (array_agg (p.opt_out_id) filter (where p.n = p_limit))[1]::text end,
           v_at
    from page p
    cross join lateral opt_out_json (p_account, p.opt_out_id) j;
end $$;
comment on function api_opt_outs is 'a page of opt-outs; no locks; SB422';

-- RFC 4180. What a spreadsheet would take for a formula gets an apostrophe before it: the words are customers' own.
create function csv_field (p_text text) returns text language sql immutable as $$
    select case when t ~ '[",\r\n]' then '"' || replace (t, '"', '""') || '"' else t end
    from (select case when p_text ~ '^[=+@\t\r-]' then '''' || p_text else coalesce (p_text, '') end) x (t)
$$;
comment on function csv_field is 'a value as a field of CSV; null: empty';

create function csv_line (variadic p_fields text[]) returns text language sql immutable as $$
    select string_agg (csv_field (f), ',' order by o) || E'\r\n' from unnest (p_fields) with ordinality x (f, o)
$$;
comment on function csv_line is 'a line of CSV with its end';

-- The same page as CSV: a header line, then a line for each.
create function api_opt_outs_csv (p_account bigint, p_limit int, p_after text) returns table (data text, next text)
language plpgsql stable set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
    perform check_id_cursor (p_after);
    return query
    with page as materialized (
        select o.*, c.slug, row_number () over (order by o.opt_out_id desc) as n
        from gateway.opt_out o
        left join gateway.channel c on c.account_id = o.account_id and c.channel_id = o.channel_id
        where o.account_id = p_account and o.opt_out_id < coalesce (p_after, 'ffffffff-ffff-ffff-ffff-ffffffffffff')::uuid
        order by o.opt_out_id desc
        limit p_limit + 1
    )
    select csv_line ('address', 'channel', 'source', 'word', 'at', 'ended_at', 'ended_by') ||
           coalesce (string_agg (csv_line (p.uri, p.slug, p.source, p.word, json_time (p.at), json_time (p.ended_at), p.ended_by), '' order by p.n)
                     filter (where p.n <= p_limit), ''),
           case when count (*) > p_limit then (array_agg (p.opt_out_id) filter (where p.n = p_limit))[1]::text end
    from page p;
end $$;
comment on function api_opt_outs_csv is 'a page of opt-outs as CSV; no locks; SB422';

-- Locks what is known of an address's pairs, of one channel or (null) of all.
create function lock_address_pairs (p_account bigint, p_channel bigint, p_uri text) returns void language plpgsql as $$
begin
    perform from gateway.pair p
    where p.account_id = p_account and p.uri = p_uri and p.channel_id = any (
        array (select c.channel_id from gateway.channel c where c.account_id = p_account and (p_channel is null or c.channel_id = p_channel)))
    order by p.channel_id
    for no key update;
end $$;
comment on function lock_address_pairs is 'locks the pairs of an address, in the order of their channels';

-- An agent's opt-out of an address on a channel, or (p_slug null) on all of them. One that a keyword or the provider made ends for it, because
-- START would end that: 201. One of an agent stands as it is: 200. The contact is made where the address is new.
create function post_opt_out (p_account bigint, p_hash bytea, p_fingerprint bytea, p_opt_out uuid, p_contact uuid, p_slug text, p_uri text,
                              p_now timestamptz)
returns table (status int, body text, replayed boolean) language plpgsql as $$
#variable_conflict use_column
declare
    v_channel bigint; v_contact uuid; v_created boolean; v_known uuid;
    v_status int := 200;
    v_body text;
begin
    return query select r.status, r.body, true from replay (p_account, p_hash, p_fingerprint) r;
    if found then
        return;
    end if;
    if p_slug is not null then
        select c.channel_id into v_channel from gateway.channel c where c.account_id = p_account and c.slug = p_slug;
        if v_channel is null then
            raise 'no such channel' using errcode = 'SB422', constraint = '/channel';
        end if;
    end if;
    perform lock_address_pairs (p_account, v_channel, p_uri);
    select * into v_contact, v_created from pair_contact (p_account, v_channel, p_uri, p_contact, p_now);
    update gateway.opt_out o set ended_at = p_now, ended_by = 'agent'
    where o.account_id = p_account and o.uri = p_uri and coalesce (o.channel_id, 0) = coalesce (v_channel, 0) and o.ended_at is null
      and o.source <> 'agent';
    insert into gateway.opt_out (account_id, opt_out_id, channel_id, uri, source, at)
    values (p_account, p_opt_out, v_channel, p_uri, 'agent', p_now)
    on conflict do nothing
    returning opt_out_id into v_known;
    if found then
        v_status := 201;
        perform tell (array[p_account, p_account], array[case when v_created then 'contact.created' end, 'contact.opted_out'], array[null, null]::uuid[],
                      array[null, null]::uuid[], array[v_contact, v_contact], p_now);
    else
        select o.opt_out_id into v_known from gateway.opt_out o
        where o.account_id = p_account and o.uri = p_uri and coalesce (o.channel_id, 0) = coalesce (v_channel, 0) and o.ended_at is null;
    end if;
    select j::text into v_body from opt_out_json (p_account, v_known) j;
    perform keep_answer (p_account, p_hash, p_fingerprint, v_status, v_body, p_now);
    return query select v_status, v_body, false;
end $$;
comment on function post_opt_out is 'opts an address out by hand, once for an Idempotency-Key; locks key, pairs, address, opt_out, counter; SB422';

-- Ends an opt-out, whoever made it; one that has ended stays as it is.
create function api_opt_in (p_account bigint, p_opt_out uuid, p_now timestamptz) returns table (body text) language plpgsql as $$
declare
    o gateway.opt_out;
begin
    select k.* into o from gateway.opt_out k where k.account_id = p_account and k.opt_out_id = p_opt_out;
    if o.opt_out_id is null then
        raise 'no such opt-out' using errcode = 'SB404';
    end if;
    perform lock_address_pairs (p_account, o.channel_id, o.uri);
    update gateway.opt_out k set ended_at = p_now, ended_by = 'agent'
    where k.account_id = p_account and k.opt_out_id = p_opt_out and k.ended_at is null;
    if found then
        perform tell (array[p_account], array['contact.opted_in'], array[null::uuid], array[null::uuid], array[a.contact_id], p_now)
        from gateway.address a where a.account_id = p_account and a.uri = o.uri;
    end if;
    return query select j::text from opt_out_json (p_account, p_opt_out) j;
end $$;
comment on function api_opt_in is 'ends an opt-out by hand; locks pairs, opt_out, counter; SB404';
