-- Steps of intake for what not every channel has; SMS take none of them. j_…, m_…, x_…, n_… and v_… are intake's.

-- Notices, each once. Gives back which were new, in their order, and which of these speak of a channel's health, in the order of the channels.
create function take_notices (j_account bigint[], j_channel bigint[], j_at timestamptz[], n_request int[], n_hash bytea[], n_id uuid[],
                              n_channel bigint[], n_topic text[], n_title text[], n_data jsonb[], n_at timestamptz[], n_health text[],
                              out notices int[], out healths int[]) language plpgsql as $$
begin
    with made as (
        insert into gateway.provider_id (account_id, channel_id, hash, message_id, created_at)
        select j_account[r], coalesce (c, j_channel[r]), h, i, j_at[r]
        from unnest (n_request, n_channel, n_hash, n_id) with ordinality x (r, c, h, i, o)
        order by 1, 2, 3, o
        on conflict do nothing
        returning message_id
    )
    select coalesce (array_agg (o::int order by o), '{}'),
           array_agg (o::int order by j_account[r], coalesce (c, j_channel[r]), o) filter (where he is not null)
    into notices, healths
    from made join unnest (n_request, n_channel, n_id, n_health) with ordinality x (r, c, i, he, o) on i = message_id;
    insert into gateway.notice (account_id, notice_id, channel_id, topic, title, data, at)
    select j_account[r], n_id[o], coalesce (n_channel[o], j_channel[r]), n_topic[o], n_title[o], n_data[o], coalesce (n_at[o], j_at[r])
    from unnest (notices) o cross join lateral (select n_request[o]) x (r);
end $$;
comment on function take_notices is 'stores what providers say of channels; locks provider_id in key order';

-- A sender whose pair is new, but who has one by another address on that channel, goes on there; so do several of one batch that name the same
-- address. Gives back where each message belongs, and all other addresses.
create function at_home (v_account bigint[], v_channel bigint[], m_from text[], x_message int[], x_uri text[],
                         out home text[], out message int[], out uri text[]) language plpgsql as $$
declare
    v_new int[] := (
        select array_agg (o)
        from unnest (v_account, v_channel, m_from) with ordinality x (a, c, f, o)
        where not exists (select from gateway.pair p where p.account_id = a and p.channel_id = c and p.uri = f));
begin
    home := m_from;
    message := x_message;
    uri := x_uri;
    if v_new is null then
        return;
    end if;
    with said as materialized (
        select o, v_account[o] a, v_channel[o] c, m_from[o] u, 0 k from unnest (v_new) o
        union all
        select m, v_account[m], v_channel[m], u, k from unnest (x_message, x_uri) with ordinality x (m, u, k) where m = any (v_new)
    ), looked as materialized (
        select *, exists (select from gateway.pair p where p.account_id = a and p.channel_id = c and p.uri = u) as is_pair,
               min (o) over (partition by a, c, u) as earliest
        from said
    ), found as materialized (
        select o, (array_agg (u order by k) filter (where is_pair))[1] as u, min (earliest) as kin from looked group by o
    ), homes as (
        select x.o, coalesce (x.u, y.u, m_from[y.kin]) as u from found x join found y on y.o = x.kin
    )
    select array_agg (coalesce (h.u, f) order by o),
           x_message || array_agg (o::int order by o) filter (where h.u <> f), x_uri || array_agg (f order by o) filter (where h.u <> f)
    into home, message, uri
    from unnest (m_from) with ordinality x (f, o) left join homes h using (o);
end $$;
comment on function at_home is 'to which pairs messages belong whose senders have several addresses; no locks';

-- The message that each one answers, by the hash of the provider's id: one of its pair, perhaps of this batch.
create function replied_to (v_account bigint[], v_channel bigint[], m_from text[], m_reply_to bytea[], m_id uuid[], v_ticket uuid[]) returns uuid[]
language plpgsql as $$
begin
    return (
        select array_agg (r.message_id order by o)
        from unnest (v_account, v_channel, m_from, m_reply_to) with ordinality x (a, c, f, h, o)
        left join lateral (
            select p.message_id
            from (select k.message_id, array_position (m_id, k.message_id) as o
                  from gateway.provider_id k where k.account_id = a and k.channel_id = c and k.hash = h) p
            where case when p.o is not null then m_from[p.o] = f and v_ticket[p.o] is not null
                  else exists (select from gateway.message k
                               where k.account_id = a and k.message_id = p.message_id and k.channel_id = c and f in (k.from_uri, k.to_uri)) end
        ) r on true);
end $$;
comment on function replied_to is 'which messages are answered; no locks';

-- Where a question was asked in words, its number, title or id is the answer, if it is that of one option alone.
create function chosen (v_asked int[], v_account bigint[], v_channel bigint[], m_from text[], v_at timestamptz[], m_provider_time timestamptz[],
                        m_text text[], m_content jsonb[], m_echo boolean[], v_answers uuid[], out contents jsonb[], out answers uuid[])
language plpgsql as $$
declare
    x record;
begin
    contents := m_content;
    answers := coalesce (v_answers, array_fill (null::uuid, array[cardinality (m_from)]));
    for x in
        select o, p.choice_message, choice_of (p.choice, m_text[o]) as option
        from unnest (v_asked) o
        join gateway.pair p on p.account_id = v_account[o] and p.channel_id = v_channel[o] and p.uri = m_from[o]
        where p.choice_until > least (m_provider_time[o], v_at[o])
          and m_content[o] ->> 'kind' = 'text' and not m_content[o] ? 'selected' and m_echo[o] is not true
    loop
        if x.option is not null then
            contents[x.o] := contents[x.o] || jsonb_build_object ('selected', x.option || jsonb_build_object ('message_id', x.choice_message));
            answers[x.o] := coalesce (answers[x.o], x.choice_message);
        end if;
    end loop;
end $$;
comment on function chosen is 'which messages choose an option of the question before; the caller holds the pairs';

-- Which of some options, [{"id","title"}], words mean: {"id","title","source"}. Null: none, or more than one.
create function choice_of (p_options jsonb, p_text text) returns jsonb language sql immutable as $$
    select case when count (*) = 1 then (array_agg (jsonb_build_object ('id', id, 'title', title, 'source', source)))[1] end
    from (
        select coalesce (j ->> 'id', n::text) as id, j ->> 'title' as title,
               case said when n::text then 'number' when plain (j ->> 'title') then 'title' when plain (j ->> 'id') then 'id' end as source
        from jsonb_array_elements (p_options) with ordinality x (j, n), plain (p_text) said
    ) y
    where source is not null
$$;
comment on function choice_of is 'the option that words mean; no locks';

create function plain (p_text text) returns text language sql immutable as $$
    select lower (btrim (normalize (p_text, NFKC), E' \t\r\n'))
$$;
comment on function plain is 'words as they are compared: without case and space around them';
