-- The templates of channels, as their providers listed them last.

-- What a provider lists now is all that there is. One position a template; a name and language that stand twice are the later one.
create function replace_templates (p_account bigint, p_channel bigint, p_names text[], p_langs text[], p_external_ids text[], p_statuses text[],
                                   p_categories text[], p_components jsonb[], p_now timestamptz) returns void language plpgsql as $$
begin
    insert into gateway.channel_state as s (account_id, channel_id, since, templates_at) values (p_account, p_channel, p_now, p_now)
    on conflict (account_id, channel_id) do update set templates_at = excluded.templates_at;
    delete from gateway.template t
    where t.account_id = p_account and t.channel_id = p_channel
      and not exists (select from unnest (p_names, p_langs) x (n, l) where n = t.name and l = t.lang);
    insert into gateway.template as t (account_id, channel_id, name, lang, external_id, status, category, components)
    select distinct on (n, l) p_account, p_channel, n, l, e, s, c, j
    from unnest (p_names, p_langs, p_external_ids, p_statuses, p_categories, p_components) with ordinality x (n, l, e, s, c, j, o)
    order by n, l, o desc
    on conflict (account_id, channel_id, name, lang) do update
    set external_id = excluded.external_id, status = excluded.status, category = excluded.category, components = excluded.components
    where (t.external_id, t.status, t.category, t.components)
          is distinct from (excluded.external_id, excluded.status, excluded.category, excluded.components);
end $$;
comment on function replace_templates is 'which templates a channel has; locks its state, then its templates';

-- The templates of a channel by name and language; fetched_at null: they were not listed yet. Raises SB404.
create function api_templates (p_account bigint, p_slug text) returns table (body text) language plpgsql stable as $$
declare
    v_channel bigint := (select c.channel_id from gateway.channel c where c.account_id = p_account and c.slug = p_slug);
begin
    if v_channel is null then
        raise 'no such channel' using errcode = 'SB404';
    end if;
    return query
    select json_build_object (
        'data', (select coalesce (json_agg (json_build_object ('name', t.name, 'lang', t.lang, 'status', t.status, 'category', t.category,
                                                               'components', t.components, 'external_id', t.external_id) order by t.name, t.lang), '[]')
                 from gateway.template t where t.account_id = p_account and t.channel_id = v_channel),
        'fetched_at', (select json_time (s.templates_at) from gateway.channel_state s
                       where s.account_id = p_account and s.channel_id = v_channel))::text;
end $$;
comment on function api_templates is 'the templates of a channel; no locks; SB404';

-- The channels that a gateway sends on, with the newest thing that was said of the templates of each within an hour: whichever gateway heard it.
create function template_channels (p_gateway uuid, p_now timestamptz) returns table (channel_id bigint, notice_id uuid) language sql stable as $$
    select l.channel_id, (
        select n.notice_id from gateway.notice n
        where n.account_id = l.account_id and n.notice_id >= id_floor (p_now - interval '1 hour') and n.channel_id = l.channel_id and n.topic = 'template'
        order by n.notice_id desc
        limit 1)
    from gateway.channel_lease l
    where l.gateway_id = p_gateway and l.until > clock_timestamp ()
$$;
comment on function template_channels is 'whose templates a gateway lists, and what was said of them; no locks';
