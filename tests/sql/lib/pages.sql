-- Every page of a list, as long as there is a next one: its items in the order shown. p_list: a function of the API; p_of: its arguments before
-- limit and cursor.
create function pg_temp.pages (p_list text, p_of text, p_limit int) returns setof json language plpgsql as $$
declare
    v record;
    v_after text;
begin
    for i in 1 .. 100 loop
        execute format ('select * from %s (%s, %s, %L)', p_list, p_of, p_limit, v_after) into v;
        if json_array_length (v.data::json) > p_limit then
            raise 'a page of %', json_array_length (v.data::json);
        end if;
        return query select * from json_array_elements (v.data::json);
        v_after := v.next;
        exit when v_after is null;
    end loop;
end $$;
