"""The SQL functions, types, tables and syntax that a user query may use. Everything else is refused.

Not listed are functions that create large values from short ones (`repeat`, `lpad`, `hex`, `list_reduce`, number
lists), that take SQL, types or names from texts (`query`, `json_transform`), that act or wait (`nextval`, `pg_sleep`),
and that describe the database or the machine instead of the log.
"""

from collections import Counter
from difflib import get_close_matches

from integration.core.errors import IntegrationError

ALIKE, VERY_ALIKE = 0.6, 0.8
MIN_FUNCTIONS_WITH_WORD = 3  # functions of one kind with a word, before the word indicates that kind


class QueryError(IntegrationError):
    """A query of the log that cannot be answered; see `Logbook.ask` for its codes."""

    default = "query_wrong"


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OPERATORS = _names("+ - * / // % ** ^ || & | ~ << >> = ~~ !~~ ~~* !~~* ~~~ ^@ @ ->> <@ @> && !")
_AGGREGATES = _names("""
    any_value approx_count_distinct approx_quantile approx_top_k arbitrary arg_max arg_max_null arg_min arg_min_null
    argmax argmin array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count count_if count_star countif
    covar_pop covar_samp entropy favg first fsum geomean geometric_mean group_concat histogram kahan_sum kurtosis
    kurtosis_pop last list listagg mad max max_by mean median min min_by mode product quantile quantile_cont
    quantile_disc regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy
    reservoir_quantile sem skewness stddev stddev_pop stddev_samp string_agg sum sumkahan var_pop var_samp variance
    wavg weighted_avg
""")
_WINDOWS = _names("""
    cume_dist dense_rank fill first_value lag last_value lead nth_value ntile percent_rank rank rank_dense row_number
""")
_NUMBERS = _names("""
    abs acos add asin atan atan2 bit_count cbrt ceil ceiling cos cot degrees divide even exp fdiv floor fmod gcd
    greatest greatest_common_divisor hash if isfinite isinf isnan lcm least least_common_multiple ln log log10 log2
    mod multiply nullif pi pow power radians random round round_even sign signbit sin sqrt subtract tan trunc xor
""")
_DATES = _names("""
    age ago century date_add date_diff date_part date_sub date_trunc datediff datepart datesub datetrunc day dayname
    dayofmonth dayofweek dayofyear days_in_month decade epoch epoch_ms epoch_ns epoch_us era get_current_time
    get_current_timestamp hour isodow isoyear julian last_day make_date make_time make_timestamp make_timestamp_ms
    make_timestamptz microsecond millennium millisecond minute month monthname nanosecond now quarter second strftime
    strptime time_bucket timezone timezone_hour timezone_minute to_centuries to_days to_decades to_hours
    to_microseconds to_millennia to_milliseconds to_minutes to_months to_quarters to_seconds to_timestamp to_weeks
    to_years today transaction_timestamp try_strptime week weekday weekofyear year yearweek
""")
_TEXTS = _names("""
    array_to_string ascii char_length character_length chr concat concat_ws contains ends_with format_bytes
    ilike_escape instr jaccard jaro_similarity jaro_winkler_similarity lcase left length like_escape lower ltrim md5
    not_ilike_escape not_like_escape nfc_normalize ord position prefix regexp_extract regexp_extract_all
    regexp_full_match regexp_matches regexp_replace regexp_split_to_array replace reverse right rtrim sha256 split
    split_part starts_with str_split string_split string_split_regex string_to_array strip_accents strlen strpos
    substr substring suffix translate trim typeof ucase unicode upper url_decode url_encode
""")
_LISTS = _names("""
    apply array_append array_apply array_concat array_contains array_distinct array_extract array_filter array_has
    array_has_all array_has_any array_indexof array_intersect array_length array_position array_prepend array_reverse
    array_slice array_sort array_transform array_unique array_zip cardinality element_at filter flatten len
    list_any_value list_append list_apply list_avg list_cat list_concat list_contains list_count list_distinct
    list_element list_extract list_filter list_first list_has list_has_all list_has_any list_histogram list_indexof
    list_intersect list_last list_max list_median list_min list_mode list_position list_prepend list_reverse
    list_reverse_sort list_select list_slice list_sort list_stddev_samp list_string_agg list_sum list_transform
    list_unique list_value list_var_samp list_where list_zip map map_contains map_entries map_extract
    map_extract_value map_from_entries map_keys map_values row struct_extract struct_keys struct_pack unnest
""")
_JSON = _names("""
    array_to_json json json_array json_array_length json_contains json_exists json_extract json_extract_path
    json_extract_path_text json_extract_string json_group_array json_group_object json_keys json_object json_pretty
    json_quote json_structure json_type json_valid json_value row_to_json to_json
""")

FUNCTIONS = _OPERATORS | _AGGREGATES | _WINDOWS | _NUMBERS | _DATES | _TEXTS | _LISTS | _JSON
TABLE_FUNCTIONS = _names("generate_series json_each json_tree paces range unnest")
KINDS = {
    "totals": _AGGREGATES, "rows": _WINDOWS, "numbers": _NUMBERS, "dates": _DATES, "texts": _TEXTS, "lists": _LISTS,
    "json": _JSON, "tables": TABLE_FUNCTIONS,
}  # fmt: skip
"""All named functions, by kind."""
WELL_KNOWN = {
    "totals": ("count", "sum", "avg", "min", "max", "median"),
    "rows": ("row_number", "rank", "lag", "lead"),
    "numbers": ("round", "abs", "greatest", "least"),
    "dates": ("date_trunc", "strptime", "date_diff", "strftime"),
    "texts": ("lower", "substring", "replace", "regexp_replace", "contains"),
    "lists": ("unnest", "len", "list_contains"),
    "json": ("json_extract_string", "json_keys"),
    "tables": ("range", "generate_series", "json_each"),
}
"""The functions of each kind that most user queries need."""
TYPES = _names("""
    bigint bool boolean char date datetime dec decimal double float float4 float8 hugeint int int1 int2 int4 int8
    integer interval json list long map numeric real short signed smallint string struct text time timestamp
    timestamp_ms timestamp_ns timestamp_s timestamptz tinyint ubigint uinteger usmallint utinyint uuid varchar
""") | {"time with time zone", "timestamp with time zone"}
COMMON_TYPES = ("varchar", "integer", "decimal", "double", "boolean", "date", "timestamp", "interval")
TABLES = _names(
    "events records levels movements article_groups article_units stock_plans stock_proofs group_plans past"
)

# The syntax elements of a user query, by their DuckDB names.
EXPRESSIONS = frozenset({
    "BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "LAMBDA",
    "LAMBDA_REF", "OPERATOR", "POSITIONAL_REFERENCE", "STAR", "SUBQUERY", "TYPE", "WINDOW",
})  # fmt: skip
PARTS = frozenset({
    "SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE", "EMPTY", "BASE_TABLE", "SUBQUERY", "JOIN",
    "TABLE_FUNCTION", "EXPRESSION_LIST", "PIVOT", "SHOW_REF", "ORDER_MODIFIER", "LIMIT_MODIFIER",
    "LIMIT_PERCENT_MODIFIER", "DISTINCT_MODIFIER", "ORDER_DEFAULT", "ASCENDING", "DESCENDING",
})  # fmt: skip
SHOW_TYPES = frozenset({"DESCRIBE", "SUMMARY"})


def suggested_functions(refused: str, *, is_table: bool) -> list[str]:
    """Return a few listed functions to suggest instead of a refused one. Empty if none is similar.

    All are of one kind: first those with the most similar names, then those that most user queries need.
    """
    kind = "tables" if is_table else _kind_of(refused)
    if not kind:
        return []
    alike = get_close_matches(refused, sorted(KINDS[kind]), 2, ALIKE)
    return list(dict.fromkeys((*alike, *WELL_KNOWN[kind])))


def _kind_of(refused: str) -> str:
    """Return the kind that the words of a name indicate, or the kind of the most similar name, or an empty string."""
    kinds = {name: kind for kind, names in KINDS.items() if kind != "tables" for name in sorted(names)}
    word_counts = Counter((word, kind) for name, kind in kinds.items() for word in name.split("_"))
    votes = Counter[str]()
    for (word, kind), count in word_counts.items():
        if count >= MIN_FUNCTIONS_WITH_WORD and word in refused.split("_"):
            votes[kind] += count
    if votes:
        return votes.most_common(1)[0][0]
    return next((kinds[name] for name in get_close_matches(refused, kinds, 1, VERY_ALIKE)), "")
