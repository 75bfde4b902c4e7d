-- Who must not be written to. An opt-out holds on one pair, or, where the business wants it so (opt_out_scope), on all of its channels. Only
-- whoever holds the pair writes here, in the order of account and address.

create function is_opted_out (p_account bigint, p_channel bigint, p_uri text) returns boolean language plpgsql stable as $$
begin
    return exists (
        select from gateway.opt_out o
        where o.account_id = p_account and o.uri = p_uri and coalesce (o.channel_id, 0) in (0, p_channel) and o.ended_at is null);
end $$;
comment on function is_opted_out is 'whether nothing must be sent to this address on this channel; no locks';

-- Notes opt-outs, unless they are known, in the order of account and address. Gives back the contacts of those that are new; null: the address
-- has none yet.
create function opt_out (p_accounts bigint[], p_ids uuid[], p_channels bigint[], p_uris text[], p_source text, p_words text[], p_journals uuid[],
                         p_now timestamptz)
returns table (account_id bigint, contact_id uuid) language plpgsql as $$
#variable_conflict use_column
begin
    return query
    with made as (
        insert into gateway.opt_out (account_id, opt_out_id, channel_id, uri, source, word, journal_id, at)
        select distinct on (a, u, s) a, i, s, u, p_source, left (w, 40), j, p_now
        from unnest (p_accounts, p_ids, p_channels, p_uris, p_words, p_journals) x (a, i, c, u, w, j)
        cross join lateral (
            select case when k.opt_out_scope = 'pair' then c end from gateway.account k where k.account_id = a
        ) scope (s)
        where not is_opted_out (a, c, u)
        order by a, u, s
        on conflict do nothing
        returning account_id, uri
    )
    select m.account_id, k.contact_id from made m left join gateway.address k on k.account_id = m.account_id and k.uri = m.uri;
end $$;
comment on function opt_out is 'registers opt-outs; locks opt_out in the order of account and address; the caller holds the pairs';

-- When somebody last said START or STOP where their opt-outs hold: on this channel, or on any.
create function keyword_said_at (p_account bigint, p_channel bigint, p_uri text) returns timestamptz language plpgsql stable as $$
begin
    return (
        select max (p.keyword_at)
        from gateway.account a
        join gateway.channel c on c.account_id = a.account_id and (c.channel_id = p_channel or a.opt_out_scope = 'account')
        join gateway.pair p on p.account_id = c.account_id and p.channel_id = c.channel_id and p.uri = p_uri
        where a.account_id = p_account);
end $$;
comment on function keyword_said_at is 'when an address last said START or STOP; no locks';

-- What customers say by a keyword, one position a message in the order in which they came: "stop" opts out, "start" ends what keywords and
-- providers made, "yes" does so only where there is something to end. p_at: when it was said; what was missed and is fetched later changes nothing
-- that was said after it. Gives back the keyword of each that was one, and its event.
create function heed (p_accounts bigint[], p_ids uuid[], p_channels bigint[], p_uris text[], p_keywords text[], p_words text[], p_journals uuid[],
                      p_at timestamptz[], out keywords text[], out events text[]) language plpgsql as $$
declare
    o int;
    v_late boolean;
    v_heeded boolean;
begin
    keywords := p_keywords;
    events := array_fill (null::text, array[cardinality (p_keywords)]);
    for o in
        select x.n from unnest (p_accounts, p_uris, p_keywords) with ordinality x (a, u, k, n)
        where x.k in ('stop', 'start', 'yes')
        order by x.a, x.u, x.n
    loop
        v_late := coalesce (keyword_said_at (p_accounts[o], p_channels[o], p_uris[o]) > p_at[o], false);
        v_heeded := false;
        if p_keywords[o] = 'stop' and not v_late then
            perform from opt_out (p_accounts[o:o], p_ids[o:o], p_channels[o:o], p_uris[o:o], 'keyword', p_words[o:o], p_journals[o:o], p_at[o]);
            v_heeded := found;
            events[o] := case when v_heeded then 'contact.opted_out' end;
        elsif not v_late then
            update gateway.opt_out k set ended_at = p_at[o], ended_by = 'keyword'
            where k.account_id = p_accounts[o] and k.uri = p_uris[o] and coalesce (k.channel_id, 0) in (0, p_channels[o]) and k.ended_at is null
              and k.source in ('keyword', 'provider') and k.at <= p_at[o];
            v_heeded := found;
            events[o] := case when v_heeded then 'contact.opted_in' end;
        end if;
        if p_keywords[o] = 'yes' and not v_heeded then
            keywords[o] := null;
        elsif not v_late then
            update gateway.pair p set keyword_at = p_at[o]
            where p.account_id = p_accounts[o] and p.channel_id = p_channels[o] and p.uri = p_uris[o];
        end if;
    end loop;
end $$;
comment on function heed is 'does what keywords ask for; locks opt_out in the order of account and address; the caller holds the pairs';

create function opt_out_json (p_account bigint, p_opt_out uuid) returns setof json language sql stable rows 1 as $$
    select json_build_object (
        'id', o.opt_out_id,
        'address', o.uri,
        'channel', (select c.slug from gateway.channel c where c.account_id = o.account_id and c.channel_id = o.channel_id),
        'source', o.source,
        'word', o.word,
        'at', json_time (o.at),
        'ended_at', json_time (o.ended_at),
        'ended_by', o.ended_by)
    from gateway.opt_out o
    where o.account_id = p_account and o.opt_out_id = p_opt_out
$$;
comment on function opt_out_json is 'an opt-out; channel null: on all of them';
